"""Whether the tensors at a model's border are (T, B, ...), as everything within the compiler is, or (B, T, ...)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AxisOrder:
    """The order of the outer axes of a model's inputs and outputs; those without time are (B, ...) in any case."""

    batch_first: bool = False
    """Inputs are (B, T, ...)."""
    batch_first_outputs: frozenset[str] = frozenset()
    """Outputs that are (B, T, ...)."""

    def inputs(self, arrays: Mapping[str, Any], static: Collection[str]) -> dict[str, Any]:
        """Inputs of the model as (T, B, ...), or those as the model's own; `static` are without time."""
        return {name: array if name in static else self.input(array) for name, array in arrays.items()}

    def input(self, array: Any) -> Any:
        """An input with time, in the other order where the model's is batch first."""
        return swapped(array) if self.batch_first and array.ndim > 1 else array

    def output(self, name: str, array: Any) -> Any:
        """An output with time, in the other order where the model's is batch first."""
        return swapped(array) if name in self.batch_first_outputs else array


TIME_FIRST = AxisOrder()
"""All tensors are (T, B, ...)."""


def swapped(array: Any) -> Any:
    """An array or a tensor with its first two axes exchanged."""
    return array.swapaxes(0, 1)
