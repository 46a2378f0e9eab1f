"""Configurations that are refused, and the width of what leaves a branch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models import taaf
from models.networks.taaf.config import BranchSize
from tests.models.networks.taaf.oracle import SMALL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fusion": "product"}, "fusion 'product' is not one of concat, sum"),
        ({"T": 3}, "4 steps of video cannot be aligned with T = 3"),
        ({"audio": BranchSize(6, 1, 8, 8)}, "6 steps of audio cannot be aligned with T = 4"),
        ({"video": BranchSize(0, 1, 8, 8)}, "video has 0 time steps"),
        ({"T": 0}, "aligned has 0 time steps"),
        ({"kernel": 2}, "kernel = 2 must be odd"),
        ({"kernel": -1}, "kernel = -1: at least 1"),
        ({"stride": 0}, "stride = 0: at least 1"),
        ({"width": 0}, "width = 0: at least 1"),
        ({"classes": -1}, "classes = -1: at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)  # pyright: ignore[reportArgumentType]


def test_features_of_a_branch() -> None:
    assert taaf.CONFIGS["published"].features == 512
    assert SMALL.features == 32
