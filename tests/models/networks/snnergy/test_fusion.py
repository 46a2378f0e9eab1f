"""Every fusion of both streams against the replay, exactly, with ties; what is causal and what is binary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from models.networks.snnergy.config import FUSIONS, SnnergyConfig
from models.networks.snnergy.fusion import FUSIONS as BUILDERS
from models.networks.snnergy.fusion import CrossModal
from tests.models.layers.image_oracle import make_dyadic, oracle_of, random_counts, run
from tests.models.networks.snnergy.oracle import SMALL, cross_modal

OWN, OTHER = (4, 3, 8, 4, 4), (4, 3, 8, 8, 2)


def _fusion(name: str, seed: int, **change: object) -> tuple[nn.Module, SnnergyConfig]:
    config = replace(SMALL, fusion=name, **change)  # pyright: ignore[reportArgumentType]
    fusion = BUILDERS[name](config, config.width)
    make_dyadic(fusion, seed)
    return fusion, config


def test_the_configurations_names_are_built() -> None:
    assert tuple(BUILDERS) == FUSIONS


@pytest.mark.parametrize("threshold", [0.5, 0.6])
@pytest.mark.parametrize("name", FUSIONS)
def test_fusion_equals_the_oracle(name: str, threshold: float) -> None:
    ties = 0
    for seed in range(3):
        fusion, config = _fusion(name, seed, mask_threshold=threshold)
        x, y, oracle = random_counts(OWN, 2, seed), random_counts(OTHER, 2, seed + 9), oracle_of(fusion)
        expected = cross_modal(oracle, "", x.double().numpy(), y.double().numpy(), config)
        got = run(fusion, x, y)
        if name == "causal-mean":  # a third is no dyadic number
            np.testing.assert_allclose(got, expected, rtol=1e-6)
        else:
            np.testing.assert_array_equal(got, expected)
        assert expected.any()
        ties += oracle.ties
    assert ties > 60


def test_alpha_starts_at_one_and_a_half_and_scales_what_enters() -> None:
    fusion, _ = _fusion("cmqka", 0)
    assert isinstance(fusion, CrossModal)
    assert fusion.alpha.item() == 1.5
    x, y = random_counts(OWN, 2, 0), random_counts(OTHER, 2, 1)
    before = run(fusion, x, y)
    fusion.alpha.data /= 2
    np.testing.assert_array_equal(run(fusion, x, y), before / 2)


@pytest.mark.parametrize("name", FUSIONS)
def test_what_sees_later_steps(name: str) -> None:
    x, sees = random_counts(OWN, 2, 2), False
    late = x.clone()
    late[-1] = 2 - late[-1]
    for seed in range(4):
        fusion, _ = _fusion(name, seed)
        sees |= bool((run(fusion, x, x)[:-1] != run(fusion, late, late)[:-1]).any())
    assert sees == (name in ("cmqka", "over-tokens", "spikefuse", "temporal", "s-cmrl"))


@pytest.mark.parametrize(("name", "values"), [("gate", {0.0, 1.5}), ("spikefuse", {0.0, 1.5}), ("token", {0.0, 1.0})])
def test_what_enters_as_spikes(name: str, values: set[float]) -> None:
    fusion, _ = _fusion(name, 1)
    assert set(run(fusion, random_counts(OWN, 2, 0), random_counts(OTHER, 2, 1)).flatten()) == values
