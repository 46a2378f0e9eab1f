"""The membrane is scaled and kept above zero, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import RectifiedLif
from ir.types import parse_type


def run(op: RectifiedLif, *currents: float) -> list[float]:
    """What one neuron emits."""
    return op.run((np.array(currents).reshape(-1, 1, 1),), {}, len(currents)).ravel().tolist()


def test_a_membrane_does_not_fall_below_zero():
    assert run(RectifiedLif(decay=0.0, form="sum"), -5.0, 0.5, 0.5) == [0, 0, 1]


def test_the_scale_stays_or_goes():
    scaled, unscaled = (
        RectifiedLif(decay=0.0, form="sum", scale=2.0, threshold=4.0, kept=k) for k in ("scaled", "unscaled")
    )
    assert run(scaled, 0.5, 1.0, 0.5) == [0, 1, 0]  # 1, 4 = 2 (1 + 1), reset, 1
    assert run(unscaled, 0.5, 1.0, 0.5) == [0, 0, 1]  # 1, 3 = 2 (0.5 + 1), 4


def test_a_subtracting_reset_is_scaled_too():
    op = RectifiedLif(decay=0.0, form="sum", scale=2.0, threshold=1.0, reset="subtract", kept="unscaled")
    assert run(op, 1.0, 0.0, 0.0) == [1, 1, 0]  # 2 - 1 is 0.5 unscaled, then 1 - 1


def test_a_scale_below_zero_is_refused():
    with pytest.raises(CompileError, match="above 0"):
        RectifiedLif(decay=0.0, scale=-1.0).infer((parse_type("current[1]"),), {})
