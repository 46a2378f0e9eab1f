"""Quadratic and exponential membranes, and their adaptation, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import NonlinearLif
from ir.types import parse_type


def run(op: NonlinearLif, *currents: float) -> list[float]:
    """What one neuron emits."""
    return op.run((np.array(currents).reshape(-1, 1, 1),), {}, len(currents)).ravel().tolist()


def steps(op: NonlinearLif, *currents: float) -> list[tuple[float, float]]:
    """(v, w) behind every step of one neuron."""
    state, found = op.begin(np.zeros((1, 1)), {}), list[tuple[float, float]]()
    for x in currents:
        _, state = op.step(state, np.full((1, 1), x), {})
        found.append((state.v.item(), 0.0 if state.extra is None else state.extra.item()))
    return found


def test_a_quadratic_membrane():
    op = NonlinearLif(decay=0.5, sharpness=2.0, critical=1.0, threshold=10.0)
    # v <- v + (x + 2 v (v - 1)) / 2
    assert steps(op, 4.0, 0.0, 1.0) == [(2.0, 0.0), (4.0, 0.0), (0.0, 0.0)]
    assert run(op, 4.0, 0.0, 1.0) == [0, 0, 1]
    assert steps(NonlinearLif(**{**op.attributes(), "decay": 0.0, "tau": 2.0}), 4.0, 0.0) == [(2.0, 0.0), (4.0, 0.0)]


def test_an_exponential_membrane():
    op = NonlinearLif(decay=1.0, drive="exponential", sharpness=1.0, critical=0.0, leak=0.5, threshold=100.0)
    first = 1.0 + 0.5 + 1.0  # x + leak + exp(0)
    (v1, _), (v2, _) = steps(op, 1.0, 0.0)
    assert v1 == first
    assert v2 == pytest.approx(0.5 + np.exp(first), rel=1e-12)


@pytest.mark.parametrize(("reads", "expected"), [("new", [(1.0, 0.5), (0.0, 1.25)]), ("old", [(1.0, 0.0), (0.0, 1.5)])])
def test_an_adaptation_current_follows_the_membrane_and_jumps_at_a_spike(
    reads: str, expected: list[tuple[float, float]]
):
    op = NonlinearLif(decay=1.0, sharpness=0.0, threshold=1.5, w_decay=0.5, w_gain=1.0, w_jump=1.0, w_reads=reads)
    # v: 1, then 1 + 0.5 - w; w: half of the membrane that it reads, then half of the way to it
    state = steps(op, 1.0, 1.0 if reads == "new" else 0.5)
    assert state == ([(1.0, 0.5), (0.0, 2.0)] if reads == "new" else expected)


def test_other_forms_are_refused():
    with pytest.raises(CompileError, match="form euler"):
        NonlinearLif(decay=0.5, form="sum").infer((parse_type("current[1]"),), {})
