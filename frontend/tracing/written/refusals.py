"""Why the membrane of a neuron that is written out is no value, and what functions make of one that nobody needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from frontend.function_rules import FUNCTION_RULES
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.storage.writes import writes
from frontend.tracing.written.chains import alike
from frontend.tracing.written.comparisons import plain_name
from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.clamps import CLAMPS
from ir.errors import CompileError

_UNKNOWN = "made by "
"""The kind of a symbol, before the function's name."""
MOST_UNKNOWN, MOST_NESTED = 32, 16
"""Results up to which another one is compared with those before, and operations in each that are looked into."""


def used_as_value(name: str = "") -> CompileError:
    """Of a membrane that the function of that name takes, "" where none is known."""
    if plain_name(name) in CLAMPS:
        return CompileError(
            "import.state",
            f"the membrane of a neuron that is written out is clamped ({name}) by something that is not constant",
            hint="clamp it by numbers, or tensors that do not depend on the input",
        )
    return CompileError(
        "import.state",
        f"the membrane of a neuron that is written out is used as a value{name and f' ({name})'}",
        hint="read out its spikes, or use a neuron of a framework; a surrogate gradient is (hard - soft).detach() + soft",
    )


class UnknownFunctions:
    """What functions make of membranes: symbols that may cancel, as those of `(hard - soft).detach() + soft` do."""

    def __init__(self) -> None:
        self._made: list[tuple[Expression, list[Any]]] = []

    def symbol(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], of: Callable[[Any], Expression | None]
    ) -> Expression:
        """The symbol of a function's result, the same one for the same arguments; CompileError where it has to be known."""
        if name not in FUNCTION_RULES or writes(name, kwargs) or "out" in kwargs:
            raise used_as_value(name)
        given = {**dict(enumerate(args)), **kwargs}
        read: list[Any] = [of(tensor) or tensor for tensor in tensors_in(given)]
        text = str({key: None if tensors_in(argument) else argument for key, argument in given.items()})
        rest: list[Any] = [name, text, *read]
        for symbol, known in self._made[-MOST_UNKNOWN:]:
            if len(known) == len(rest) and all(a is b or _same(a, b) for a, b in zip(known, rest, strict=True)):
                return symbol
        inner = [unknown_in(each) for each in read if isinstance(each, Expression)]
        symbol = Expression((f"{_UNKNOWN}{next(filter(None, inner), name)}", len(self._made)))
        self._made.append((symbol, rest))
        return symbol


def unknown_in(expression: Expression) -> str:
    """A function of which nothing is known but its name, which an expression is made of; "" where there is none."""
    return next((kind.removeprefix(_UNKNOWN) for kind in sorted(expression.kinds) if kind.startswith(_UNKNOWN)), "")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str):
        return a == b
    return isinstance(a, Expression) and isinstance(b, Expression) and alike(a, b, MOST_NESTED)


def check_dtype(name: str, read: Iterable[torch.Tensor], result: Any, dtype: torch.dtype) -> None:
    """CompileError where a membrane, among those read, is cast to whole numbers or another dtype than the module's, or split."""
    if not isinstance(result, torch.Tensor):
        raise used_as_value(name)
    rounded = not result.is_floating_point() and any(tensor.is_floating_point() for tensor in read)
    if rounded or (result.is_floating_point() and result.dtype is not dtype):
        what = f"the membrane of a neuron that is written out is cast to {result.dtype} ({name})"
        raise CompileError("import.state", what, hint="compare it with a number; spikes may be cast")
