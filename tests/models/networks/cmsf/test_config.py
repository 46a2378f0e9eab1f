"""Configurations that cannot be are refused, each with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models import cmsf
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fusion": "late"}, "fusion 'late' is not one of scca"),
        ({"gate": "soft"}, "gate 'soft' is not one of analog, spike"),
        ({"T": 7}, "T = 7"),
        ({"heads": 5}, "D = 64 is not divisible by 5 heads"),
        ({"combs": 0}, "combs = 0: at least 1"),
        ({"heads": 0}, "heads = 0: at least 1"),
        ({"depth": 0}, "depth = 0: at least 1"),
        ({"combs": 5}, "12 tokens are not divisible into 5 combs"),
        ({"L": 8}, "SCCA pairs tokens"),
        ({"generator": "poisson"}, "spike generator 'poisson'"),
    ],
)
def test_impossible_configurations_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initial_parts(replace(cmsf.CONFIGS["digits"], **change), seed=0)


def test_sizes_that_fit_are_taken_with_the_published_defaults() -> None:
    config = CmsfConfig(N=6, L=4, D=8, F=16, region_features=3, word_features=5, heads=2, combs=4, fusion="sca")
    assert (config.T, config.depth, config.generator, config.gate, config.interleave) == (
        2,
        1,
        "repeat-ln",
        "analog",
        True,
    )
    with pytest.raises(ValueError, match="SCCA pairs tokens: N = 6 regions need as many words, not L = 4"):
        replace(config, fusion="scca")
    with pytest.raises(ValueError, match="T = 0"):
        replace(config, T=0)
