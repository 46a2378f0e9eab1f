"""One layer of a `.net` file: typed access to its entries, with errors that name layer and entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from frontend.hdf5.tree import Tree
from ir.errors import CompileError
from ir.graph import Array, Provenance

LARGEST = 1 << 31
"""Numbers in a file lie below: lava-dl's own are of 8 to 18 bits."""


@dataclass(frozen=True, eq=False)
class Layer:
    """
    A layer, or the neuron of one: its name for messages and its entries.

    place: position in the chain. kind: what the entry `type` says.
    """

    place: int
    kind: str
    entries: Tree

    @property
    def name(self) -> str:
        """What its nodes are called."""
        return f"{self.kind}_{self.place}"

    @property
    def provenance(self) -> Provenance:
        """Where its nodes come from."""
        return Provenance(f"layer.{self.place}")

    def error(self, rule: str, what: str, *, hint: str = "") -> CompileError:
        """An error about this layer."""
        return CompileError(f"netx.{rule}", what, where=f"layer {self.place} ({self.kind})", hint=hint)

    def check_entries(self, *known: str) -> None:
        """CompileError for entries that are not `known`: nothing that a file says is passed over."""
        unknown = sorted(self.entries.keys() - {"type", *known})
        if unknown:
            raise self.error("entry", f"the unknown entry {unknown[0]!r}", hint=f"known: {', '.join(known)}")

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self.entries

    def group(self, name: str) -> Layer:
        """An entry that is a group itself."""
        entries = self.entries[name]
        if not isinstance(entries, dict):
            raise self.error("entry", f"{name} must be a group")
        return Layer(self.place, f"{self.kind}.{name}", entries)

    def whole(self, name: str) -> Array:
        """An entry of whole numbers, int64; lava-dl stores many of them as floats."""
        value = self._value(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.error("entry", f"{name} must hold numbers")
        if not (np.isfinite(value).all() and (value == np.trunc(value)).all() and (np.abs(value) < LARGEST).all()):
            raise self.error(
                "integer",
                f"{name} holds values that are no whole numbers below 2^31",
                hint="export with SLAYER's own quantisation",
            )
        return value.astype(np.int64)

    def number(self, name: str) -> int:
        """An entry of one whole number."""
        value = self.whole(name)
        if value.size != 1:
            raise self.error("shape", f"{name} must be one number, not of shape {value.shape}")
        return int(value.reshape(()))

    def pair(self, name: str, least: int) -> tuple[int, int]:
        """An entry of one whole number, or of two in the order (height, width); at least `least` each."""
        value = self.whole(name).reshape(-1)
        if value.size not in (1, 2) or value.min() < least or value.max() > 1 << 20:
            raise self.error("shape", f"{name} must be one or two numbers from {least}, not {value[:8].tolist()}")
        return int(value[0]), int(value[-1])

    def sizes(self, name: str) -> tuple[int, ...]:
        """An entry that is a shape."""
        value = self.whole(name)
        if value.ndim != 1 or not 1 <= value.size <= 3 or value.min() < 1 or value.max() > 1 << 24:
            raise self.error("shape", f"{name} must be one to three sizes from 1")
        return tuple(value.tolist())

    def text(self, name: str) -> str:
        """An entry of one text."""
        value = self._value(name)
        value = value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value
        if not isinstance(value, str):
            raise self.error("entry", f"{name} must be a text")
        return value

    def _value(self, name: str) -> Any:
        if name not in self.entries:
            raise self.error("entry", f"lacks its {name}")
        return self.entries[name]


def layer_of(place: int, entries: Tree) -> Layer:
    """The layer of a group."""
    return Layer(place, Layer(place, "layer", entries).text("type"), entries)
