"""The patch stem against the numpy replay, exactly; its two pools."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.layers.patch_stem import PatchStem
from tests.models.networks.spikeclip.oracle import eighths, make_dyadic, oracle_of

T, B, D = 4, 2, 16


def _currents(pool: str, images: torch.Tensor, seed: int) -> tuple[PatchStem, torch.Tensor]:
    stem = PatchStem(3, D, pool).eval()
    make_dyadic(stem, seed)
    with torch.no_grad():
        return stem, stem(images)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_stem_equals_loops_over_taps_and_windows(pool: str, seed: int) -> None:
    images = eighths((T, B, 3, 12, 8), 0, 8, seed)
    stem, currents = _currents(pool, images, seed)
    assert currents.shape == (T, B, D, 3, 2)
    oracle = oracle_of(stem)
    np.testing.assert_array_equal(currents.numpy(), oracle.stem("", images.double().numpy(), pool))
    assert oracle.ties > 20


def test_pools_differ_from_the_second_step_on() -> None:
    """With one state each, pooled before or behind the neurons: the first step agrees (a maximum commutes with a threshold)."""
    images = eighths((1, 6, 3, 16, 16), 0, 8, 1).repeat(T, 1, 1, 1, 1)
    currents = {pool: _currents(pool, images, 4)[1] for pool in ("analog", "spike")}
    same = [torch.equal(a, b) for a, b in zip(currents["analog"], currents["spike"], strict=True)]
    assert same[0]
    assert not all(same)


def test_names_are_those_of_published_checkpoints() -> None:
    names = {key.partition(".")[0] for key in PatchStem(3, D, "analog").state_dict()}
    assert names == {f"block{place}_{kind}" for place in range(5) for kind in ("conv", "bn")}
