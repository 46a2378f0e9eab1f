"""The neuron rests, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import RefractoryLif
from ir.types import parse_type


def run(op: RefractoryLif, *currents: float) -> list[float]:
    """What one neuron emits."""
    return op.run((np.array(currents).reshape(-1, 1, 1),), {}, len(currents)).ravel().tolist()


def test_it_is_silent_and_stands_still_for_its_rest_while_its_current_goes_on():
    assert run(RefractoryLif(decay=0.0, form="sum", rest=2.0), 1, 1, 1, 1, 0.5, 0.5, 0.5) == [1, 0, 0, 1, 0, 0, 0]
    lasting = RefractoryLif(decay=0.0, form="sum", rest=1.0, current_decay=0.0)
    assert run(lasting, 1, 0, 0, 0) == [1, 0, 1, 0]


def test_part_of_a_step_is_a_step():
    assert run(RefractoryLif(decay=0.0, form="sum", rest=0.5), 1, 1, 1, 1) == [1, 0, 1, 0]


def test_late_resets_do_not_rest():
    with pytest.raises(CompileError, match="reset at once"):
        RefractoryLif(decay=0.0, reset_at="next").infer((parse_type("current[1]"),), {})
