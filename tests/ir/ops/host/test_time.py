"""Operations across the window: single steps, sums, and a feature axis presented as time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import AtStep, FoldTime, TimeSum, UnfoldTime
from ir.types import REAL, Type, parse_type

CASES = {
    "at_step": (AtStep(1), {}),
    "time_sum": (TimeSum(0.5), {}),
}
FORMULAS = {
    "at_step": lambda x: x[1:2],
    "time_sum": lambda x: x.sum(0, keepdims=True) / 2,
}


@pytest.mark.parametrize("kind", CASES)
def test_formula(kind: str, x, assert_formula):
    op, params = CASES[kind]
    assert op.kind == kind
    assert_formula(op, FORMULAS[kind], x, params=params)


def test_what_comes_of_a_window_is_static():
    assert str(TimeSum().infer((parse_type("spike[3]"),), {})) == "real[3] static"
    assert str(AtStep(0).infer((parse_type("current[3]"),), {})) == "real[3] static"


@pytest.mark.parametrize(
    ("op", "operand", "params", "rule"),
    [
        (TimeSum(), "real[3] static", {}, "time_sum.static"),
        (AtStep(0), "real[3] static", {}, "at_step.static"),
        (AtStep(-1), "real[3]", {}, "at_step.step"),
    ],
)
def test_refused(op, operand: str, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type(operand),), params)
    assert error.value.rule == f"ir.{rule}"


def test_a_step_behind_the_window_is_refused_when_it_runs(x):
    with pytest.raises(CompileError, match="a window of 2 steps has no step 2"):
        AtStep(2).run((x,), {}, 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_step_is_one_slice(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(1, 5, 3, 3, 3))
    y = UnfoldTime(axis).run((x,), {}, 3)
    assert UnfoldTime(axis).infer((Type((3, 3, 3), REAL, 1.0, True),), {}) == Type((3, 3), steps=3)
    for step in range(3):
        np.testing.assert_array_equal(y[step], np.take(x[0], step, axis=axis + 1))
    np.testing.assert_array_equal(UnfoldTime(axis).run((torch.from_numpy(x),), {}, 3).numpy(), y)


def test_only_static_values_of_the_right_length() -> None:
    with pytest.raises(CompileError, match="without time"):
        UnfoldTime(0).infer((Type((3,)),), {})
    with pytest.raises(CompileError, match="no axis 1"):
        UnfoldTime(1).infer((Type((3,), REAL, 1.0, True),), {})
    with pytest.raises(CompileError, match="not 4 steps"):
        UnfoldTime(0).run((np.zeros((1, 2, 3)),), {}, 4)


def test_folded_time_is_the_first_axis_and_unfolds_again() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    y = FoldTime(3).run((x,), {}, 3)
    assert FoldTime(3).infer((Type((4, 5)),), {}) == Type((3, 4, 5), REAL, 1.0, True)
    assert all(np.array_equal(y[0, b, t], x[t, b]) for t in range(3) for b in range(2))
    np.testing.assert_array_equal(UnfoldTime(0).run((y,), {}, 3), x)
    np.testing.assert_array_equal(FoldTime(3).run((torch.from_numpy(x),), {}, 3).numpy(), y)


def test_what_has_no_time_or_another_length_does_not_fold() -> None:
    with pytest.raises(CompileError, match="no steps"):
        FoldTime(3).infer((Type((4,), REAL, 1.0, True),), {})
    with pytest.raises(CompileError, match="not 3"):
        FoldTime(3).run((np.zeros((4, 2, 3)),), {}, 4)
