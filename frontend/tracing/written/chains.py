"""What a value was made of by numbers alone, expressed by the value itself: `mem` by `mem - threshold`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any

import numpy as np

from frontend.tracing.written.expressions import Expression, Key, exactly


def chain(expression: Expression, state: Expression) -> list[tuple[Expression, Expression]]:
    """(what the compared value was made of by numbers alone, that as an expression of the compared value), innermost last."""
    chain: list[tuple[Expression, Expression]] = []
    while expression.name in _INVERSES:
        places = [place for place, arg in enumerate(expression.args) if isinstance(arg, Expression)]
        if len(places) != 1:
            break
        numbers = [arg for arg in expression.args if not isinstance(arg, Expression)]
        if expression.name in ("mul", "div") and (not np.all(numbers[0]) or places == [1]):
            break
        state = _INVERSES[expression.name](state, numbers, places[0])
        child = expression.args[places[0]]
        assert isinstance(child, Expression)
        chain.append((child, state))
        expression = child
    return chain


def before_the_state(expression: Expression) -> int:
    """From which place of its `chain` on an expression is what a state that was zero was added to: what the first step reads."""
    made = [expression, *(child for child, _ in chain(expression, expression))]
    sums = [place for place, each in enumerate(made) if each.name in ("add", "sub", "rsub") and _has_zero(each)]
    return sums[-1] if sums else len(made)


def _has_zero(expression: Expression) -> bool:
    return any(not isinstance(arg, Expression) and not np.any(arg) for arg in expression.args)


def offsets_of(expression: Expression, number: Callable[[Any], Fraction] = exactly) -> tuple[Fraction, ...]:
    """0, and what turns the compared value into what it was made of by adding a number."""
    zero = Expression(("v",))
    offsets = [Fraction(0)]
    for _, inverse in chain(expression, zero):
        at_zero, at_one = (inverse.evaluate({("v",): Fraction(n)}, number) for n in (0, 1))
        if at_one - at_zero == 1:
            offsets.append(at_zero)
    return tuple(offsets)


def retraces(expression: Expression, known: Collection[int]) -> Key | None:
    """
    The key of the symbol that an expression is, as the same operations made it of the same; None for anything else.

    Args:
        known: expressions, by id, of what the symbol was made of, by the symbol: from there on the expression goes the same way.
    """
    steps = chain(expression, Expression(("v",)))
    symbol = steps[-1][0] if steps else expression
    if symbol.name or symbol.key is None:
        return None
    found = [(expression, symbol), *chain(expression, symbol)]
    return symbol.key if any(id(child) in known and alike(child, inverse) for child, inverse in found) else None


def alike(a: Any, b: Any, depth: int | None = None) -> bool:
    """Whether two expressions, or numbers, are made in the same way; `depth`: of operations that are looked into."""
    if not (isinstance(a, Expression) and isinstance(b, Expression)):
        return not isinstance(a, Expression) and not isinstance(b, Expression) and np.array_equal(a, b)
    if a.identity == b.identity:
        return True
    if not a.name or (a.name, len(a.args)) != (b.name, len(b.args)) or depth == 0:
        return False
    return all(alike(x, y, None if depth is None else depth - 1) for x, y in zip(a.args, b.args, strict=True))


def _term(name: str, *args: Any) -> Expression:
    return Expression(None, name, args)


_INVERSES: dict[str, Callable[[Expression, list[Any], int], Expression]] = {
    "same": lambda e, numbers, place: e,
    "add": lambda e, numbers, place: _term("sub", e, numbers[0]),
    "sub": lambda e, numbers, place: _term("add", e, numbers[0]) if place == 0 else _term("rsub", e, numbers[0]),
    "rsub": lambda e, numbers, place: _term("rsub", e, numbers[0]) if place == 0 else _term("add", e, numbers[0]),
    "mul": lambda e, numbers, place: _term("div", e, numbers[0]),
    "div": lambda e, numbers, place: _term("mul", e, numbers[0]),
    "neg": lambda e, numbers, place: _term("neg", e),
}
"""Operation -> the argument that is no number, from the result."""
