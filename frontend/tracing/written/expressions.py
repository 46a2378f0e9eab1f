"""
What a tensor was computed from, element by element, as an expression of symbols: states, spikes and currents.

Only what the equations of a neuron are made of has an expression: sums, products, choices by a spike. It can be evaluated in
any numbers, exact fractions to find its coefficients, or float32 to see how it rounds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
import torch

from frontend.tracing.written.loops.clamps import CLAMP, clamped
from ir.errors import CompileError
from ir.graph import Array

Key = tuple[Any, ...]
"""What a symbol is called; what it stands for is its maker's business."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A symbol, or an operation on expressions, numbers, and constants that differ from neuron to neuron."""

    key: Key | None
    """Of a symbol; an operation may have one too: then it can stand for itself, or for what it is made of."""
    name: str = ""
    args: tuple[Expression | float | Array, ...] = ()
    kinds: frozenset[str] = field(init=False, default=frozenset())
    """The first entries of the keys of all symbols in it."""

    def __post_init__(self) -> None:
        below = [arg.kinds for arg in self.args if isinstance(arg, Expression)]
        own = [frozenset((str(self.key[0]),))] if self.key is not None and not self.name else []
        object.__setattr__(self, "kinds", frozenset[str]().union(*own, *below))

    @property
    def identity(self) -> Key:
        """Two expressions of one identity are the same value."""
        return ("id", id(self)) if self.key is None or self.name else self.key

    def evaluate(
        self, values: Mapping[Key, Any], number: Callable[[Any], Any], known: dict[int, Any] | None = None
    ) -> Any:
        """
        The value where symbols, and operations whose key is there, have these values; KeyError for a symbol without.

        Args:
            number: what a constant becomes.
            known: values of expressions, by id, which is added to.
        """
        known = {} if known is None else known
        if id(self) not in known:
            known[id(self)] = self._evaluated(values, number, known)
        return known[id(self)]

    def _evaluated(self, values: Mapping[Key, Any], number: Callable[[Any], Any], known: dict[int, Any]) -> Any:
        if self.key is not None and self.key in values:
            return values[self.key]
        if not self.name:
            raise KeyError(self.key)
        args = [a.evaluate(values, number, known) if isinstance(a, Expression) else number(a) for a in self.args]
        return OPERATIONS[self.name](*args)

    def symbols(self, stands: Callable[[Expression], bool]) -> Iterator[Expression]:
        """The outermost expressions that are symbols, or that stand for themselves, each once."""
        visited = set[int]()
        waiting: list[Expression] = [self]
        while waiting:
            expression = waiting.pop()
            if id(expression) in visited:
                continue
            visited.add(id(expression))
            if not expression.name or stands(expression):
                yield expression
            else:
                waiting.extend(arg for arg in reversed(expression.args) if isinstance(arg, Expression))

    def constants(self) -> Iterator[Array]:
        """The constants that differ from neuron to neuron."""
        visited: dict[int, Expression] = {}
        waiting: list[Expression] = [self]
        while waiting:
            expression = waiting.pop()
            if id(expression) not in visited:
                visited[id(expression)] = expression
                waiting.extend(arg for arg in expression.args if isinstance(arg, Expression))
                yield from (arg for arg in expression.args if isinstance(arg, np.ndarray))


def exactly(value: float) -> Fraction:
    """A number for exact evaluation; CompileError for infinity and NaN."""
    if not isfinite(value):
        what, hint = f"a neuron that is written out computes with {value:g}", "reset membranes to numbers"
        raise CompileError("import.neuron", what, hint=hint)
    return Fraction(value)


def _choose(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition is 1, b where it is 0, without leaving polynomials."""
    return b + condition * (a - b) if isinstance(condition, Fraction) else np.where(condition > 0, a, b)


def _same(a: Any) -> Any:
    return a


def _reflected(a: Any, b: Any) -> Any:
    return b - a


def _filled(a: Any, condition: Any, value: Any) -> Any:
    return _choose(condition, value, a)


def _lerp(a: Any, b: Any, weight: Any) -> Any:
    return a + weight * (b - a)


def _addcmul(a: Any, b: Any, c: Any, value: Any = 1) -> Any:
    return a + value * b * c


def _addcdiv(a: Any, b: Any, c: Any, value: Any = 1) -> Any:
    return a + value * b / c


_ARITHMETIC: Any = operator
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "same": _same,
    "add": _ARITHMETIC.add,
    "sub": _ARITHMETIC.sub,
    "rsub": _reflected,
    "mul": _ARITHMETIC.mul,
    "div": _ARITHMETIC.truediv,
    "neg": _ARITHMETIC.neg,
    "where": _choose,
    "masked_fill": _filled,
    "lerp": _lerp,
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
    CLAMP: clamped,
}
"""Name -> what it computes."""
CASTS = ("float", "double", "bool", "int", "long", "short", "byte", "to", "type", "type_as")
"""Functions that change the dtype; what that does to the values is for whoever calls them to see."""
FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys((*CASTS, "detach", "clone", "contiguous", "cpu", "cuda"), "same"),
    **dict.fromkeys(("add", "radd", "iadd"), "add"),
    **dict.fromkeys(("sub", "subtract", "isub"), "sub"),
    "rsub": "rsub",
    **dict.fromkeys(("mul", "multiply", "rmul", "imul"), "mul"),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv", "itruediv"), "div"),
    **dict.fromkeys(("neg", "negative"), "neg"),
    **{name: name for name in ("where", "masked_fill", "lerp", "addcmul", "addcdiv", CLAMP)},
}
"""Name of a torch function, without underscores around it -> the operation."""
ONE_ARGUMENT = frozenset(("same", "neg"))
"""Operations that read their first argument only."""
NAMED = ("mask", "other", "end", "weight", "tensor1", "tensor2", "value")
"""Arguments that may be given by name, in their order."""


def of_one_sample(constant: torch.Tensor, shape: tuple[int, ...]) -> float | Array | None:
    """A constant as numbers of the neurons of one sample; None where it differs in the batch, or would widen the value."""
    if constant.numel() == 1:
        return float(constant)
    sizes = zip(constant.shape[::-1], shape[::-1], strict=False)
    if constant.ndim > len(shape) or any(a not in (1, b) for a, b in sizes):
        return None
    full = constant.expand(shape)
    if not constant.numel() or not bool((full == full[:1]).all()):
        return None
    return float(constant.flatten()[0]) if bool((full == full.flatten()[0]).all()) else full[0].double().cpu().numpy()
