"""The functions that fire: comparisons of a membrane with a number, and the rounding of one that was clamped to 0..D."""

from __future__ import annotations

from typing import Any

import torch

from frontend.tracing.written.loops.recognition import Firing
from ir.errors import CompileError

ABOVE = {"gt": ">", "greater": ">", "ge": ">=", "greater_equal": ">="}
BELOW = {"lt": ">", "less": ">", "le": ">=", "less_equal": ">="}
"""They fire above where the membrane is their second argument."""


def plain_name(name: str) -> str:
    """A torch function's name without the underscores around it: `__add__`, `add_` and `add` are one."""
    return name.strip("_")


def is_firing(name: str) -> bool:
    """Whether a torch function can make spikes."""
    return plain_name(name) in {*ABOVE, *BELOW, "heaviside", "round"}


def compared(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[torch.Tensor, Firing, torch.Tensor | None]:
    """
    (the tensor that is compared, how, None or the tensor that it must exceed: then their difference fires above 0).

    Raises:
        CompileError: where it asks for no spikes, or, of a number, for values below it.
    """
    plain, (a, b) = plain_name(name), (*args, *kwargs.values())[:2]
    if plain == "heaviside":
        at_zero = _number(b)
        if at_zero not in (0.0, 1.0):
            raise _refused(name, "is given a value at 0 that is no spike")
        return a, Firing(0.0, ">" if at_zero == 0 else ">="), None
    level = _number(b)
    if level is None:
        level, a = _number(a), b
        if level is None:
            return _difference(plain, *(*args, *kwargs.values())[:2])
        plain = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(plain[:2], plain)
    if plain not in ABOVE and plain[:2] not in ABOVE:
        raise _refused(name, "asks for values below a number")
    return a, Firing(level, ABOVE.get(plain, ABOVE.get(plain[:2], ">"))), None


def _difference(plain: str, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, Firing, torch.Tensor]:
    """Two tensors, of which the larger one fires; floats differ by more than 0 where one is larger."""
    above = ABOVE.get(plain, ABOVE.get(plain[:2]))
    if above is not None:
        return a, Firing(0.0, above), b
    return b, Firing(0.0, BELOW.get(plain, BELOW.get(plain[:2], ">"))), a


def clamped_to(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """D of a clamp to 0..D, which a rounding of it makes spikes of; None for any other function."""
    if plain_name(name) not in ("clamp", "clip"):
        return None
    low, high = (*args[1:], *(kwargs[key] for key in ("min", "max") if key in kwargs), None, None)[:2]
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return None
    return int(high) if low == 0 and high >= 1 and float(high).is_integer() else None


def clamp_refused() -> CompileError:
    """Of a clamp that is not rounded."""
    what, hint = "cannot import a clamp with an upper limit", "integer spikes are round(clamp(x, 0, D))"
    return CompileError("import.clamp", what, hint=hint)


def rounded(most: int) -> Firing:
    """Spikes as torch.round counts them, of a membrane that was clamped to 0..most."""
    return Firing(1.0, "round", most)


def _number(value: Any) -> float | None:
    """A number, or a constant tensor that is one number everywhere."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float(value.detach())
    return None


def _refused(name: str, what: str) -> CompileError:
    return CompileError(
        "import.comparison",
        f"{name} {what}",
        hint="a neuron fires where its membrane lies above (or at) one number",
    )
