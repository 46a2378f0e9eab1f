"""The image encoder against the numpy replay, bit for bit; published size, counts and names; samples do not see each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.spikeclip.image_encoder import SpikeClipImageEncoder
from tests.models.deployed import assert_compiled_is_exact
from tests.models.networks.spikeclip.oracle import SMALL, eighths, make_dyadic, oracle_of


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("time", ["learned", "mean"])
@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_encoder_equals_replay(pool: str, time: str, seed: int) -> None:
    config = replace(SMALL, pool=pool, time=time)
    encoder = SpikeClipImageEncoder(config).eval()
    make_dyadic(encoder, seed)
    images = eighths((3, 3, config.pixels, config.pixels), 0, 8, seed)
    with torch.no_grad():
        features = encoder(images)
    oracle = oracle_of(encoder)
    np.testing.assert_array_equal(features.numpy(), oracle.image_encoder(images.double().numpy(), config))
    assert oracle.ties > 50
    assert len(np.unique(features.numpy())) > 10


@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_samples_do_not_see_each_other(pool: str) -> None:
    """One by one, each after another sample, gives the same bits as all in one batch."""
    config = replace(SMALL, pool=pool)
    encoder = SpikeClipImageEncoder(config).eval()
    make_dyadic(encoder, 1)
    images = eighths((5, 3, config.pixels, config.pixels), 0, 8, 3)
    with torch.no_grad():
        batch = encoder(images)
        for i in (3, 0, 4, 1, 2):
            assert torch.equal(encoder(images[i : i + 1])[0], batch[i])


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_compiled_dyadic_encoder_is_exact(pool: str) -> None:
    encoder = SpikeClipImageEncoder(replace(SMALL, pool=pool)).eval()
    make_dyadic(encoder, 5)
    assert_compiled_is_exact(
        encoder, {"images": eighths((4, 3, SMALL.pixels, SMALL.pixels), 0, 8, 5)}, static=("images",), steps=4
    )
