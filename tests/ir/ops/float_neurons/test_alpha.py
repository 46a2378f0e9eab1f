"""Two currents and their resets, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import AlphaLif
from ir.types import parse_type


def run(op: AlphaLif, *currents: float) -> list[float]:
    """What one neuron emits."""
    return op.run((np.array(currents).reshape(-1, 1, 1),), {}, len(currents)).ravel().tolist()


OPTIONS = {"decay": 1.0, "form": "sum", "reset_at": "next", "keep_slow": 0.5, "keep_fast": 0.25, "gain": 4.0}


def test_the_membrane_is_the_difference_of_a_slow_and_a_fast_decay():
    # x = 1 at step 0: (0.5^t - 0.25^t) 4 = 0, 1, 0.75
    assert run(AlphaLif(**OPTIONS, reset="none"), 1, 0, 0) == [0, 1, 0]
    assert run(AlphaLif(**OPTIONS, reset="none", comparator=">", threshold=0.75), 1, 0, 0) == [0, 1, 0]


def test_zeroing_takes_the_input_of_the_next_step_along():
    assert run(AlphaLif(**OPTIONS), 1, 0, 1, 0, 0) == [0, 1, 0, 0, 0]
    assert run(AlphaLif(**OPTIONS, reset="none"), 1, 0, 1, 0, 0) == [0, 1, 0, 1, 0]


def test_subtracting_takes_the_threshold_from_the_slow_current_alone():
    # step 1: e = 0.5, h = -0.25, v = 1 fires; step 2: e = 0.25 - 1, h = 0, v = 0.75 + h before = 0.5
    assert run(AlphaLif(**OPTIONS, reset="subtract"), 1, 0, 0, 0) == [0, 1, 0, 0]
    assert run(AlphaLif(**{**OPTIONS, "threshold": 0.5}, reset="subtract"), 1, 0, 0, 0) == [0, 1, 1, 0]


def test_a_reset_at_once_is_refused():
    with pytest.raises(CompileError, match="one step late"):
        AlphaLif(decay=1.0).infer((parse_type("current[1]"),), {})
