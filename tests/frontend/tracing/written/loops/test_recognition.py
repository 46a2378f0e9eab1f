"""Equations, given as functions, are the neurons that they are; coefficients that are none of the family's are named."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from frontend.tracing.written.loops.recognition import Firing, Update, as_it_rounds, leaky, recognised
from ir.errors import CompileError
from ir.ops import Leaky, Lif

HALF = Fraction(1, 2)
AT_HALF = Firing(0.5, ">")
Step = Callable[[Any, Any, Any], Any]


def neuron(step: Step, firing: Firing = AT_HALF, start: Any = 0, offsets: tuple[Fraction, ...] = (Fraction(0),)) -> Lif:
    return recognised(Update(step, Fraction(step(start, 0, 0)), offsets), firing)[0]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda v, s, x: v * HALF * (1 - s) + x, {"decay": 0.5, "reset": "value", "reset_at": "spike", "v_reset": 0.0}),
        (lambda v, s, x: (v * HALF + x) * (1 - s), {"reset": "value", "reset_at": "next"}),
        (lambda v, s, x: (v - s * HALF) * HALF + x, {"reset": "subtract", "reset_at": "spike"}),
        (lambda v, s, x: v * HALF - s * HALF + x, {"reset": "subtract", "reset_at": "next"}),
        (lambda v, s, x: v - s * HALF + x, {"decay": 0.0, "reset": "subtract", "reset_at": "spike"}),
        (lambda v, s, x: v * HALF + x, {"reset": "none"}),
        (lambda v, s, x: v * HALF + 2 * x, {"gain": 2.0, "form": "sum"}),
        (lambda v, s, x: v * HALF + x + 1, {"leak": 2.0}),
        (lambda v, s, x: (v * (1 - s) - s) * HALF + x, {"v_reset": -1.0}),
    ],
)
def test_resets_leaks_and_gains(step: Step, expected: dict[str, Any]) -> None:
    op = neuron(step)
    assert {name: getattr(op, name) for name in expected} == expected


def test_a_start_that_is_not_zero() -> None:
    assert neuron(lambda v, s, x: v * HALF + x, start=Fraction(3)).v0 == 3.0


def test_the_membrane_is_counted_from_where_it_does_not_drift() -> None:
    def shifted(c: Any, s: Any, x: Any) -> Any:  # c = v - 1/2, compared with 0
        return (c + HALF) * HALF * (1 - s) + x - HALF

    op = neuron(shifted, Firing(0.0, ">="), start=-HALF, offsets=(Fraction(0), HALF))
    assert op == Lif(decay=0.5, form="sum", threshold=0.5)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (lambda v, s, x: v * v + x, "not affine"),
        (lambda v, s, x: v * HALF * (1 - s * HALF) + x, "keeps 0.25 of its membrane after a spike"),
        (lambda v, s, x: v * 2 + x, "keeps 2 of its membrane"),
        (lambda v, s, x: v + 1, "drifts by 1"),
    ],
)
def test_what_is_found_is_named(step: Step, what: str) -> None:
    with pytest.raises(CompileError, match=what) as caught:
        neuron(step)
    assert caught.value.rule == "import.neuron"


def test_what_a_spike_takes_besides() -> None:
    update = Update(lambda v, s, x: v * HALF - s * Fraction(1, 3) + x, Fraction(0), (Fraction(0),))
    op, taken, _ = recognised(update, AT_HALF)
    assert (op.reset, taken) == ("none", Fraction(1, 3))


def test_a_drift_without_a_leak_is_a_current() -> None:
    update = Update(lambda v, s, x: (v - s * HALF) + 2 * x - 1, Fraction(-1), (Fraction(0),))
    op, _, bias = recognised(update, AT_HALF)
    assert (op.reset, op.gain, op.leak, op.v0, bias) == ("subtract", 2.0, 0.0, 0.0, -HALF)


def test_a_membrane_that_nothing_fires() -> None:
    op = leaky(Update(lambda v, s, x: v * HALF + 2 * x + 1, Fraction(1), (Fraction(0),)))
    assert op == Leaky(0.5, 2.0, "sum", leak=2.0)
    with pytest.raises(CompileError, match="keeps 2 of its membrane"):
        leaky(Update(lambda v, s, x: 2 * v + x, Fraction(0), (Fraction(0),)))


def test_the_form_that_rounds_as_the_model() -> None:
    sums = Lif(decay=0.3, gain=0.3, form="sum")
    update = Update(lambda v, s, x: v + (x - v) * 0.3, Fraction(0), (Fraction(0),))
    assert as_it_rounds(sums, update, 0.0).form == "euler"
    assert as_it_rounds(sums, Update(lambda v, s, x: v * (1 - 0.3) + x * 0.3, Fraction(0), ()), 0.0) is sums


def test_counts_take_one_threshold_each() -> None:
    counting = Firing(1.0, "round", 4)
    assert neuron(lambda v, s, x: (v - s) * HALF + x, counting).reset == "subtract"
    with pytest.raises(CompileError, match="as many thresholds"):
        neuron(lambda v, s, x: v * HALF * (1 - s) + x, counting)
