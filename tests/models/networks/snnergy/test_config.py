"""Sizes of the stages, and configurations that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models import snnergy
from models.networks.snnergy.config import InputSize
from tests.models.networks.snnergy.oracle import SMALL


def test_grids_of_the_stages() -> None:
    published, digits = snnergy.CONFIGS["published-192"], snnergy.CONFIGS["av-digits"]
    assert [published.grid("video", stage) for stage in range(3)] == [(32, 32), (16, 16), (8, 8)]
    assert [digits.grid("video", stage) for stage in range(3)] == [(8, 8), (4, 4), (2, 2)]
    assert [digits.grid("audio", stage) for stage in range(3)] == [(8, 8), (4, 4), (2, 2)]
    assert digits.tokens("video") == digits.tokens("audio") == (64, 16, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fusion": "sum"}, "fusion 'sum' is not one of cmqka, over-tokens, gate"),
        ({"pool": "mean"}, "pool 'mean' is not one of current, spike"),
        ({"heads": 3}, "width 8 must be even and divisible by 3 heads"),
        ({"width": 5, "heads": 5}, "width 5 must be even"),
        ({"T": 0}, "T = 0: at least 1"),
        ({"width": -2}, "width = -2: at least 1"),
        ({"heads": 0}, "heads = 0: at least 1"),
        ({"classes": 0}, "classes = 0: at least 1"),
        ({"depths": (1, 1)}, r"depths \(1, 1\) must be 3 numbers of blocks, each at least 1"),
        ({"depths": (1, 0, 1)}, r"depths \(1, 0, 1\) must be 3 numbers of blocks"),
        ({"audio": InputSize(1, 32, 16)}, r"video has \(64, 16, 4\) in its stages, audio \(32, 8, 2\)"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)  # pyright: ignore[reportArgumentType]
