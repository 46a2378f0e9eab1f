"""
A group of an HDF5 file as nested dictionaries, within bounded memory, depth and time.

First the structure and the declared sizes, then the data. Links to other places are not followed: they could leave the file
or run in circles. A group may be linked twice, but not from within itself.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from frontend.hdf5.checks import MAX_BYTES, declared_bytes, is_text
from frontend.nir.reading.raw import MAX_EDGES, text
from ir.errors import CompileError

MAX_GROUP_DEPTH = 64
"""Groups in groups; a subgraph takes two levels."""
MAX_OBJECTS = 8_000_000
MAX_REPEATS = 1000
"""Visits to groups that have been visited before, through second links to them."""
MAX_TEXT_BYTES = 64 << 20
READ_BYTES = 64 << 20
"""Texts are read so many rows at a time that even rows as long as the file stay below this."""

Tree = dict[str, Any]
"""Names -> arrays, texts, nested arrays of texts, or trees."""


class _Walk:
    """The structure of one group: trees of datasets that have not been read, and what they add up to."""

    def __init__(self, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        self.declared = self.objects = self.repeats = 0
        self.seen: set[int] = set()

    def tree(self, group: Any, above: tuple[int, ...] = ()) -> Tree:
        address = self._enter(group, above)
        found: Tree = {}
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise CompileError(
                    "nir.link", f"{group.name}/{key} is a link to another place", hint="store it in the file"
                )
            item = group[key]
            self.objects += 1
            if self.objects > MAX_OBJECTS:
                raise CompileError("nir.size", f"it has more than {MAX_OBJECTS:,} groups and datasets")
            found[text(key)] = (
                self.tree(item, (*above, address)) if isinstance(item, h5py.Group) else self._dataset(item)
            )
        return found

    def _enter(self, group: Any, above: tuple[int, ...]) -> int:
        address = hash(group)  # h5py's hash of an object is that of its file and address
        if address in above:
            raise CompileError("nir.link", f"{group.name} is a group inside of itself: a circle of links")
        if len(above) > MAX_GROUP_DEPTH:
            raise CompileError("nir.depth", f"groups are nested more than {MAX_GROUP_DEPTH} deep")
        self.repeats += address in self.seen
        self.seen.add(address)
        if self.repeats > MAX_REPEATS:
            raise CompileError("nir.link", f"groups are linked more than {MAX_REPEATS} times over")
        return address

    def _dataset(self, item: Any) -> Any:
        if not isinstance(item, h5py.Dataset):
            raise CompileError("nir.dtype", f"{item.name} is neither a group nor a dataset")
        self.declared += declared_bytes(item, self.file_bytes)
        if self.declared > MAX_BYTES:
            raise CompileError("nir.size", f"declares more than {MAX_BYTES:,} bytes of arrays")
        return item


class _Reading:
    """Reads the datasets of a tree; texts are counted as they come, HDF5 does not tell their length before."""

    def __init__(self, file_bytes: int) -> None:
        self.rows = max(1, READ_BYTES // max(1, file_bytes))
        self.text_bytes = 0

    def tree(self, tree: Tree) -> Tree:
        return {key: self.tree(item) if isinstance(item, dict) else self._value(item) for key, item in tree.items()}

    def _value(self, dataset: Any) -> Any:
        return self._texts(dataset) if is_text(dataset) else np.asarray(dataset[()])

    def _texts(self, dataset: Any) -> Any:
        """A text, or an array of texts row by row."""
        if dataset.size > 2 * MAX_EDGES:
            raise CompileError("nir.size", f"{dataset.name} holds more than {2 * MAX_EDGES:,} texts")
        if dataset.ndim == 0:
            return self._text(dataset[()])
        rows = max(1, min(4096, self.rows // max(1, dataset.size // max(1, len(dataset)))))
        found = np.empty(dataset.shape, object)
        for start in range(0, len(dataset), rows):
            part = dataset[start : start + rows]
            found[start : start + rows] = np.array([self._text(item) for item in part.reshape(-1)], object).reshape(
                part.shape
            )
        return found

    def _text(self, value: Any) -> str:
        self.text_bytes += len(value)
        if self.text_bytes > MAX_TEXT_BYTES:
            raise CompileError("nir.size", f"its texts are longer than {MAX_TEXT_BYTES:,} bytes")
        return text(value)


def read_tree(group: Any, file_bytes: int) -> Tree:
    """
    Everything below a group.

    Raises:
        CompileError: for links, circles, depths, types and sizes beyond what a NIR file has.
    """
    return _Reading(file_bytes).tree(_Walk(file_bytes).tree(group))
