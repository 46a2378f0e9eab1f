"""
What a tensor was computed from, element by element, as an expression of symbols: states, spikes and currents.

Only what the equations of a neuron are made of has an expression: sums, products, choices by a spike. It can be evaluated in
any numbers, exact fractions to find its coefficients, or float32 to see how it rounds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Key = tuple[Any, ...]
"""What a symbol is called; what it stands for is its maker's business."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A symbol, or an operation on expressions and numbers."""

    key: Key | None
    """Of a symbol; an operation may have one too: then it can stand for itself, or for what it is made of."""
    name: str = ""
    args: tuple[Expression | float, ...] = ()

    def evaluate(self, values: Mapping[Key, Any], number: Callable[[float], Any]) -> Any:
        """The value where symbols, and operations whose key is there, have these values; KeyError for a symbol without."""
        if self.key is not None and self.key in values:
            return values[self.key]
        if not self.name:
            raise KeyError(self.key)
        args = [a.evaluate(values, number) if isinstance(a, Expression) else number(a) for a in self.args]
        return OPERATIONS[self.name](*args)

    def symbols(self, stands: Callable[[Expression], bool]) -> Iterator[Expression]:
        """The outermost expressions that are symbols, or that stand for themselves."""
        if not self.name or stands(self):
            yield self
            return
        for arg in self.args:
            if isinstance(arg, Expression):
                yield from arg.symbols(stands)


def exactly(value: float) -> Fraction:
    """A number for exact evaluation."""
    return Fraction(value)


def _choose(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition is 1, b where it is 0, without leaving polynomials."""
    return b + condition * (a - b) if isinstance(condition, Fraction) else np.where(condition > 0, a, b)


def _same(a: Any) -> Any:
    return a


def _reflected(a: Any, b: Any) -> Any:
    return b - a


def _not(a: Any) -> Any:
    return 1 - a


def _filled(a: Any, condition: Any, value: Any) -> Any:
    return _choose(condition, value, a)


def _clamp(a: Any, low: Any, high: Any) -> Any:
    return min(max(a, low), high) if isinstance(a, Fraction) else np.clip(a, low, high)


_ARITHMETIC: Any = operator
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "same": _same,
    "add": _ARITHMETIC.add,
    "sub": _ARITHMETIC.sub,
    "rsub": _reflected,
    "mul": _ARITHMETIC.mul,
    "div": _ARITHMETIC.truediv,
    "neg": _ARITHMETIC.neg,
    "not": _not,
    "where": _choose,
    "masked_fill": _filled,
    "clamp": _clamp,
}
"""Name -> what it computes."""
FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(("detach", "clone", "float", "to", "type", "type_as", "contiguous", "cpu", "cuda"), "same"),
    **dict.fromkeys(("add", "radd", "iadd"), "add"),
    **dict.fromkeys(("sub", "subtract", "isub"), "sub"),
    "rsub": "rsub",
    **dict.fromkeys(("mul", "multiply", "rmul", "imul"), "mul"),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv", "itruediv"), "div"),
    **dict.fromkeys(("neg", "negative"), "neg"),
    **dict.fromkeys(("logical_not", "bitwise_not", "invert"), "not"),
    "where": "where",
    "masked_fill": "masked_fill",
    "clamp": "clamp",
    "clip": "clamp",
}
"""Name of a torch function, without underscores around it -> the operation."""
ONE_ARGUMENT = frozenset(("same", "neg", "not"))
"""Operations that read their first argument only."""
