"""A `.net` file -> its layers, within bounded memory and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from frontend.hdf5.checks import MAX_BYTES, MAX_RATIO
from frontend.hdf5.probe import probe
from frontend.hdf5.tree import Tree, read_tree
from frontend.netx.layer import Layer, layer_of
from frontend.nir.reading.load import DAMAGED
from ir.errors import CompileError

ENTRIES = ("layer", "simulation")
"""Groups at the top; `simulation` holds the step in milliseconds and the steps per sample, which change no number."""


def read_layers(path: Path) -> tuple[Layer, ...]:
    """
    The layers of a file, in order; sizes are checked before data is read.

    Raises:
        CompileError: naming the file, for everything that is not such a file.
    """
    try:
        if not path.is_file():
            raise CompileError("netx.file", "is a folder, not a file" if path.is_dir() else "no such file")
        size = path.stat().st_size
        with path.open("rb"):
            pass  # a file without permission says so here, HDF5 says it at length
        probe(path, lambda: _layers(path, size), 2 * min(MAX_BYTES, MAX_RATIO * size))
        return _layers(path, size)
    except CompileError as error:
        raise in_file(error, str(path)) from None
    except OSError as error:
        raise CompileError("netx.file", f"cannot be read: {error}", where=str(path)) from None


def in_file(error: CompileError, path: str) -> CompileError:
    """The error with the file that it is about, as one about `.net` files: the HDF5 reader is shared with NIR."""
    rule, what = error.rule.replace("nir.", "netx.", 1), error.what.replace("NIR file", ".net file")
    return CompileError(rule, what, where=f"{path}: {error.where}" if error.where else path, hint=error.hint)


def _layers(path: Path, size: int) -> tuple[Layer, ...]:
    try:
        with h5py.File(path, "r") as file:
            return layers_in(file, size)
    except DAMAGED as error:
        raise CompileError("netx.file", f"not a readable HDF5 file: {error}") from None


def layers_in(file: Any, size: int) -> tuple[Layer, ...]:
    """The layers of an open HDF5 file of so many bytes."""
    tree = read_tree(file["/"], size)
    unknown = sorted(tree.keys() - set(ENTRIES))
    chain = tree.get("layer")
    if not isinstance(chain, dict):
        raise CompileError("netx.file", "not a .net file: it has no group 'layer'")
    if unknown:
        raise CompileError("netx.entry", f"the unknown entry {unknown[0]!r}", hint=f"known: {', '.join(ENTRIES)}")
    return tuple(layer_of(place, group) for place, group in enumerate(_in_order(chain)))


def _in_order(chain: Tree) -> list[Tree]:
    """The groups "0", "1", ... without gaps."""
    names = [str(place) for place in range(len(chain))]
    if not names or set(names) != chain.keys():
        shown = ", ".join(sorted(chain)[:8])
        raise CompileError("netx.layers", f"the layers must be numbered from 0 without gaps, but are {shown or 'none'}")
    groups = [chain[name] for name in names]
    if not all(isinstance(group, dict) for group in groups):
        raise CompileError("netx.layers", "a layer is an array, not a group")
    return groups
