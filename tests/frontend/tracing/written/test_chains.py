"""A chain of operations with numbers is turned round, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest

from frontend.tracing.written.chains import chain, offsets_of
from frontend.tracing.written.expressions import Expression, exactly

M = Expression(("m",))
C = Expression(("c",))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("add", (M, 0.3)),
        ("add", (0.3, M)),
        ("sub", (M, 0.3)),
        ("sub", (0.3, M)),
        ("rsub", (M, 0.3)),
        ("rsub", (0.3, M)),
        ("mul", (M, 0.7)),
        ("div", (M, 0.7)),
        ("neg", (M,)),
        ("same", (M,)),
    ],
)
def test_the_inverse_of_every_operation(name: str, args: tuple[Expression | float, ...]) -> None:
    compared = Expression(None, name, args)
    ((made_of, inverse),) = chain(compared, C)
    assert made_of is M
    value = compared.evaluate({("m",): Fraction(5, 7)}, exactly)
    assert inverse.evaluate({("c",): value}, exactly) == Fraction(5, 7)


@pytest.mark.parametrize(
    ("name", "args"), [("mul", (M, 0.0)), ("div", (1.0, M)), ("mul", (M, M)), ("where", (M, 0.0, 1.0))]
)
def test_what_cannot_be_turned_round_ends_the_chain(name: str, args: tuple[Expression | float, ...]) -> None:
    assert chain(Expression(None, name, args), C) == []


def test_offsets_are_those_of_sums_with_numbers() -> None:
    membrane_less_threshold = Expression(None, "sub", (Expression(None, "add", (M, 0.25)), 0.5))
    assert offsets_of(membrane_less_threshold) == (0, Fraction(1, 2), Fraction(1, 4))
    assert offsets_of(Expression(None, "mul", (M, 2.0))) == (0,)
