"""The functions that fire: comparisons of a membrane with a number, and whole numbers made of one that was clamped to 0..D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch

from frontend.function_rules.arithmetic import number_of
from frontend.tracing.written.loops.clamps import UNLIMITED, clamp_arguments
from frontend.tracing.written.loops.recognition import Firing
from ir.errors import CompileError

ABOVE = {"gt": ">", "greater": ">", "ge": ">=", "greater_equal": ">="}
BELOW = {"lt": ">", "less": ">", "le": ">=", "less_equal": ">="}
"""They fire above where the membrane is their second argument."""
OTHER = {">": ">=", ">=": ">"}
"""How fires what a comparison below is the complement of: `<` that of `>=`."""


class Inequality(NamedTuple):
    """A tensor that is compared, and how; `than`: what it must exceed, then their difference fires above 0."""

    tensor: torch.Tensor
    firing: Firing
    than: torch.Tensor | None = None

    def turned(self) -> Inequality:
        """The same asked of the tensor that must be exceeded: whether it lies below."""
        assert self.than is not None
        firing = replace(self.firing, comparator=OTHER[self.firing.comparator], below=not self.firing.below)
        return Inequality(self.than, firing, self.tensor)


def plain_name(name: str) -> str:
    """A torch function's name without the underscores around it: `__add__`, `add_` and `add` are one."""
    return name.strip("_")


def compares(name: str) -> bool:
    """Whether a torch function compares two values."""
    return plain_name(name) in {*ABOVE, *BELOW, "heaviside"}


def is_firing(name: str) -> bool:
    """Whether a torch function can make spikes."""
    return compares(name) or counts(name)


def counts(name: str) -> bool:
    """Whether a torch function makes whole numbers, which are spikes where it was clamped before."""
    return plain_name(name) in ("round", "floor")


def compared(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inequality:
    """
    What a function compares.

    Raises:
        CompileError: where it asks for no spikes.
    """
    plain, (a, b) = plain_name(name), (*args, *kwargs.values())[:2]
    if plain == "heaviside":
        at_zero = number_of(b)
        if at_zero not in (0.0, 1.0):
            raise _refused(name, "is given a value at 0 that is no spike")
        return Inequality(a, Firing(0.0, ">" if at_zero == 0 else ">="))
    larger, smaller = (a, b) if plain in ABOVE else (b, a)
    comparator = (ABOVE | BELOW)[plain]
    level, below = number_of(smaller), number_of(larger)
    if level is not None:
        return Inequality(larger, Firing(level, comparator))
    if below is not None:
        return Inequality(smaller, Firing(below, OTHER[comparator], below=True))
    return Inequality(larger, Firing(0.0, comparator), smaller)  # floats differ by more than 0 where one is larger


def clamped_to(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """D of a clamp to 0..D, which a rounding of it makes spikes of; None for any other function."""
    found = clamp_arguments(plain_name(name), args, kwargs) if plain_name(name) in ("clamp", "clip") else None
    _, low, high = found or (None, None, None)
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or high == UNLIMITED:
        return None
    return int(high) if low == 0 and high >= 1 and float(high).is_integer() else None


def clamp_refused() -> CompileError:
    """Of a membrane whose clamp is not rounded."""
    what, hint = "a membrane is clamped, and used without being rounded", "integer spikes are round(clamp(x, 0, D))"
    return CompileError("import.clamp", what, hint=hint)


def counted(name: str, clamped: tuple[torch.Tensor, int] | None) -> Inequality:
    """Spikes as torch.round or torch.floor counts them, of a membrane and the limit to which it was clamped."""
    if clamped is None:
        raise CompileError(
            "import.comparison",
            f"{name} counts spikes of a value that was not clamped to 0..D",
            hint="integer spikes are round(clamp(x, 0, D))",
        )
    return Inequality(clamped[0], Firing(1.0, "round" if plain_name(name) == "round" else ">=", clamped[1]))


def _refused(name: str, what: str) -> CompileError:
    return CompileError(
        "import.comparison",
        f"{name} {what}",
        hint="a neuron fires where its membrane lies above (or at) one number",
    )
