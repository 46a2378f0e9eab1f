"""A chain of operations with numbers is turned round, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from frontend.tracing.written.chains import alike, before_the_state, chain, offsets_of, retraces
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


def _term(name: str, *args: Any) -> Expression:
    return Expression(None, name, args)


def test_an_expression_goes_the_way_that_the_symbol_was_made() -> None:
    made_of = _term("mul", _term("add", M, 1.0), 0.5)  # m = (made_of / 0.5) - 1
    known = {id(made_of), id(M)}
    assert retraces(_term("sub", _term("div", _term("same", made_of), 0.5), 1.0), known) == ("m",)
    assert retraces(_term("same", M), known) == retraces(M, known) == ("m",)
    for other in (
        _term("sub", _term("div", made_of, 0.5), 2.0),
        _term("sub", _term("div", made_of, 0.25), 1.0),
        _term("sub", _term("add", _term("sub", _term("div", made_of, 0.5), 1.0), 1.0), 1.0),  # which rounds
        _term("div", _term("sub", made_of, 0.5), 0.5),  # the same but for rounding
        _term("add", M, 0.0),
        _term("add", made_of, C),
        made_of,
    ):
        assert retraces(other, known) is None


def test_what_is_made_alike() -> None:
    row = np.array([0.5, 0.25])
    assert alike(
        _term("mul", _term("add", M, row), 2.0), _term("mul", _term("add", Expression(("m",)), row.copy()), 2.0)
    )
    for a, b in ((_term("mul", M, 2.0), _term("mul", C, 2.0)), (M, 1.0), (0.5, row), (_term("add", M, 0.5), M)):
        assert not alike(a, b)
    inner = _term("add", M, 1.0)
    assert alike(_term("sub", inner, 1.0), _term("sub", inner, 1.0), 1)
    assert not alike(_term("sub", _term("add", M, 1.0), 1.0), _term("sub", inner, 1.0), 1)


@pytest.mark.parametrize(
    ("compared", "place"),
    [
        (Expression(None, "sub", (Expression(None, "add", (0.0, M)), 1.0)), 1),  # mem = 0 + x; mem - 1 > 0
        (Expression(None, "add", (np.zeros(2), Expression(None, "div", (Expression(None, "sub", (M, 0.0)), 2.0)))), 2),
        (Expression(None, "add", (M, 0.3)), 2),  # there is no state in it
    ],
)
def test_what_zeros_were_added_to_is_what_the_first_step_reads(compared: Expression, place: int) -> None:
    assert before_the_state(compared) == place
