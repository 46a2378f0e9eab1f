"""Expressions are evaluated in any numbers; what stands for itself hides what it is made of."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from frontend.tracing.written.expressions import FUNCTIONS, OPERATIONS, Expression, exactly

V, S = Expression(("v",)), Expression(("s",))


def term(name: str, *args: Expression | float) -> Expression:
    return Expression(None, name, args)


LEAKING = term("mul", term("mul", V, 0.9), term("rsub", S, 1.0))


def test_fractions_are_exact_and_float32_rounds_as_torch_does() -> None:
    value = LEAKING.evaluate({("v",): Fraction(1, 3), ("s",): Fraction(0)}, exactly)
    assert value == Fraction(0.9) / 3
    v, s = np.float32([0.1, 0.7, -3.3]), np.float32([0, 1, 0])
    theirs = torch.from_numpy(v) * 0.9 * (1.0 - torch.from_numpy(s))
    np.testing.assert_array_equal(LEAKING.evaluate({("v",): v, ("s",): s}, float), theirs)


def test_every_function_has_its_operation() -> None:
    assert set(FUNCTIONS.values()) == OPERATIONS.keys()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (term("where", S, 0.0, V), (5, 0)),
        (term("masked_fill", V, S, -1.0), (5, -1)),
        (term("sub", V, term("mul", S, 2.0)), (5, 3)),
        (term("div", term("neg", V), 2.0), (Fraction(-5, 2), Fraction(-5, 2))),
        (term("mul", term("same", V), term("rsub", S, 1.0)), (5, 0)),
        (term("lerp", V, -3.0, S), (5, -3)),
        (term("addcmul", V, V, S, -1.0), (5, 0)),
        (term("addcdiv", V, S, 4.0, 2.0), (5, Fraction(11, 2))),
        (term("add", term("clamp", V, 0.0, 4.0), S), (5, 6)),  # in fractions a clamp does nothing
    ],
)
def test_operations(expression: Expression, expected: tuple[Fraction, Fraction]) -> None:
    for spikes, value in enumerate(expected):
        assert expression.evaluate({("v",): Fraction(5), ("s",): Fraction(spikes)}, exactly) == value


def test_an_operation_with_a_key_may_stand_for_itself() -> None:
    current = Expression(("x",), "mul", (Expression(("raw",)), 2.0))
    total = term("add", V, current)
    assert [symbol.key for symbol in total.symbols(lambda e: False)] == [("v",), ("raw",)]
    assert [symbol.key for symbol in total.symbols(lambda e: e.key is not None)] == [("v",), ("x",)]
    assert total.evaluate({("v",): Fraction(1), ("x",): Fraction(3)}, exactly) == 4
    assert total.evaluate({("v",): Fraction(1), ("raw",): Fraction(3)}, exactly) == 7
    with pytest.raises(KeyError):
        total.evaluate({("v",): Fraction(1)}, exactly)


def test_constants_of_single_neurons_are_found_once() -> None:
    array = np.arange(3.0)
    decayed = Expression(None, "mul", (V, array))
    total = Expression(None, "add", (decayed, Expression(None, "sub", (decayed, 1.0))))
    assert [constant is array for constant in total.constants()] == [True]
    assert total.kinds == {"v"}
