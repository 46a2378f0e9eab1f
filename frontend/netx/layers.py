"""The layers of a `.net` file, read within bounded memory and time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from frontend.hdf5.tree import DAMAGE_ERRORS, Tree, is_tree, read_tree
from frontend.hdf5.trial import read_after_trial
from frontend.type_guards import is_array
from ir.errors import CompileError, known_names, no_file
from ir.graph import Array, Provenance

TOP_ENTRIES = ("layer", "simulation")
"""Groups at the top; `simulation` holds the step in milliseconds and the steps per sample, which change no number."""
LARGEST = 1 << 31
"""Numbers in a file lie below: lava-dl's own are of 8 to 18 bits."""


@dataclass(frozen=True, eq=False)
class NetLayer:
    """A layer, or the neuron of one: typed access to its entries, with errors that name layer and entry."""

    place: int
    """Position in the chain."""
    kind: str
    """What the entry `type` says."""
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

    def check_entries(self, *names: str) -> None:
        """CompileError for entries other than `names`: nothing that a file says is passed over."""
        unknown = sorted(self.entries.keys() - {"type", *names})
        if unknown:
            raise self.error("entry", f"the unknown entry {unknown[0]!r}", hint=known_names(unknown[0], names))

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self.entries

    def group(self, name: str) -> NetLayer:
        """An entry that is a group itself."""
        entries = self.entries[name]
        if not is_tree(entries):
            raise self.error("entry", f"{name} must be a group")
        return NetLayer(self.place, f"{self.kind}.{name}", entries)

    def whole(self, name: str) -> Array:
        """An entry of whole numbers, int64; lava-dl stores many of them as floats."""
        value = self._value(name)
        if not is_array(value) or value.dtype.kind not in "biuf":
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
        value = value.reshape(-1)[0] if is_array(value) and value.size == 1 else value
        if not isinstance(value, str):
            raise self.error("entry", f"{name} must be a text")
        return value

    def _value(self, name: str) -> Any:
        if name not in self.entries:
            raise self.error("entry", f"lacks its {name}")
        return self.entries[name]


def read_layers(path: Path) -> tuple[NetLayer, ...]:
    """
    The layers of a file, in order; sizes are checked before data is read.

    Raises:
        CompileError: naming the file, for everything that is not such a file.
    """
    try:
        if not path.is_file():
            raise CompileError("netx.file", no_file(path))
        with path.open("rb"):
            pass  # a file without permission says so here, HDF5 says it at length
        return read_after_trial(path, lambda: _layers(path))
    except CompileError as error:
        raise in_file(error, str(path)) from None
    except OSError as error:
        raise CompileError("netx.file", f"cannot be read: {error}", where=str(path)) from None


def in_file(error: CompileError, path: str) -> CompileError:
    """The error with the file that it is about, as one about `.net` files: the HDF5 reader is shared with NIR."""
    rule, what = error.rule.replace("nir.", "netx.", 1), error.what.replace("NIR file", ".net file")
    return CompileError(rule, what, where=f"{path}: {error.where}" if error.where else path, hint=error.hint)


def _layers(path: Path) -> tuple[NetLayer, ...]:
    try:
        with h5py.File(path, "r") as file:
            return layers_in(file, path.stat().st_size)
    except DAMAGE_ERRORS as error:
        raise CompileError("netx.file", f"not a readable HDF5 file: {error}") from None


def layers_in(file: Any, size: int) -> tuple[NetLayer, ...]:
    """The layers of an open HDF5 file of so many bytes."""
    tree = read_tree(file["/"], size)
    unknown = sorted(tree.keys() - set(TOP_ENTRIES))
    chain = tree.get("layer")
    if not is_tree(chain):
        raise CompileError("netx.file", "not a .net file: it has no group 'layer'")
    if unknown:
        raise CompileError("netx.entry", f"the unknown entry {unknown[0]!r}", hint=f"known: {', '.join(TOP_ENTRIES)}")
    groups = enumerate(_in_order(chain))
    return tuple(NetLayer(place, NetLayer(place, "layer", group).text("type"), group) for place, group in groups)


def _in_order(chain: Tree) -> list[Tree]:
    """The groups "0", "1", ... without gaps."""
    names = [str(place) for place in range(len(chain))]
    if not names or set(names) != chain.keys():
        shown = ", ".join(sorted(chain)[:8])
        raise CompileError("netx.layers", f"the layers must be numbered from 0 without gaps, but are {shown or 'none'}")
    groups = [chain[name] for name in names]
    if not all(is_tree(group) for group in groups):
        raise CompileError("netx.layers", "a layer is an array, not a group")
    return groups
