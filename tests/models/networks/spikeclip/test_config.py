"""Sizes and variants that do not exist are refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.models.networks.spikeclip.oracle import SMALL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool": "mean"}, "pool 'mean' is not one of analog, spike"),
        ({"time": "last"}, "time 'last' is not one of learned, mean"),
        ({"text": "rnn"}, "text 'rnn' is not one of mlp, transformer"),
        ({"neurons": "relu"}, "neurons 'relu' is not one of lif, none"),
        ({"T": 5}, "T = 5: SpikeCLIP has time weights for 1 to 4 steps"),
        ({"heads": 3}, "D = 16 is not divisible by 3 heads"),
        ({"D": 12, "heads": 2}, "or not by 8"),
        ({"words": 7}, "7 words need as many positions, not 6"),
        ({"ce": 0.0, "alpha": 0.0}, "the fine-tuning needs a loss"),
        ({"ce": -1.0}, "needs a loss: ce = -1.0 and alpha = 1.0"),
        ({"depth": 0}, "depth = 0: at least 1"),
        ({"heads": 0}, "heads = 0: at least 1"),
        ({"D": -8}, "D = -8: at least 1"),
        ({"E": 0}, "E = 0: at least 1"),
        ({"words": 0}, "words = 0: at least 1"),
        ({"pixels": 0}, "pixels = 0: at least 1"),
        ({"pixels": 6}, "6 pixels are not divisible by 4"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)
