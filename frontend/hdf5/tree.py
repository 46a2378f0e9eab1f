"""
A group of an HDF5 file as nested dictionaries, within bounded memory, depth and time.

First the structure and the declared sizes, then the data. A file of a few kilobytes can declare terabytes: by chunks that were
never stored, by compression, by data in other files. So what is declared must be in proportion to what is stored, and
everything together below a limit. Links to other places are not followed: they could leave the file or run in circles. A
group may be linked twice, but not from within itself.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeGuard

import h5py
import numpy as np

from frontend.names import utf8_text
from ir.errors import CompileError

MAX_BYTES = 8 << 30
"""Files whose arrays would take more memory than this are refused."""
MAX_RATIO = 1100
"""Declared against stored bytes; deflate compresses by 1032 at most."""
FREE_BYTES = 1 << 16
"""A dataset up to this size may be stored in no bytes at all: HDF5 leaves out what is all zeros and never written."""
MAX_GROUP_DEPTH = 64
"""Groups in groups; a subgraph of a NIR file takes two levels."""
MAX_OBJECTS = 8_000_000
"""Groups and datasets of a file."""
MAX_REPEATS = 1000
"""Visits to groups that have been visited before, through second links to them."""
MAX_TEXTS = 2_000_000
"""Texts of one dataset: the ends of a million edges."""
MAX_TEXT_BYTES = 64 << 20
"""All texts of a file together."""
READ_BYTES = 64 << 20
"""Texts are read so many rows at a time that even rows as long as the file stay below this."""
FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
"""Filters of HDF5 and h5py themselves; any other needs a library that is not there."""
DAMAGE_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    MemoryError,
    OverflowError,
    UnicodeError,
    NotImplementedError,
    SystemError,
)
"""What h5py and HDF5 raise on bytes that make no sense."""

Tree = dict[str, Any]
"""Names -> arrays, texts, nested arrays of texts, or trees."""


def is_tree(item: Any) -> TypeGuard[Tree]:
    """Whether an item of a tree is a tree, and no array or text."""
    return isinstance(item, dict)


def read_tree(group: Any, file_bytes: int) -> Tree:
    """
    Everything below a group.

    Raises:
        CompileError: for links, circles, depths, types and sizes beyond what a NIR file has.
    """
    return _DataReader(file_bytes).tree(_StructureWalk(file_bytes).tree(group))


def largest_tree(file_bytes: int) -> int:
    """The most bytes that the arrays of a file can take."""
    return min(MAX_BYTES, MAX_RATIO * file_bytes)


class _StructureWalk:
    """The structure of one group: trees of datasets that have not been read, and what they add up to."""

    def __init__(self, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        self.declared = self.objects = self.repeats = 0
        self.visited: set[int] = set()

    def tree(self, group: Any, above: tuple[int, ...] = ()) -> Tree:
        """A group in the groups at the addresses `above`."""
        address = self._enter(group, above)
        tree: Tree = {}
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise CompileError(
                    "nir.link", f"{group.name}/{key} is a link to another place", hint="store it in the file"
                )
            item = group[key]
            self.objects += 1
            if self.objects > MAX_OBJECTS:
                raise CompileError("nir.size", f"it has more than {MAX_OBJECTS:,} groups and datasets")
            inner = self.tree(item, (*above, address)) if isinstance(item, h5py.Group) else self._dataset(item)
            tree[utf8_text(key)] = inner
        return tree

    def _enter(self, group: Any, above: tuple[int, ...]) -> int:
        """The address of a group, which must not be one of the groups that it is in."""
        address = hash(group)  # h5py's hash of an object is that of its file and address
        if address in above:
            raise CompileError("nir.link", f"{group.name} is a group inside of itself: a circle of links")
        if len(above) > MAX_GROUP_DEPTH:
            raise CompileError("nir.depth", f"groups are nested more than {MAX_GROUP_DEPTH} deep")
        self.repeats += address in self.visited
        self.visited.add(address)
        if self.repeats > MAX_REPEATS:
            raise CompileError("nir.link", f"groups are linked more than {MAX_REPEATS} times over")
        return address

    def _dataset(self, item: Any) -> Any:
        if not isinstance(item, h5py.Dataset):
            raise CompileError("nir.dtype", f"{item.name} is neither a group nor a dataset")
        self.declared += _declared_bytes(item, self.file_bytes)
        if self.declared > MAX_BYTES:
            raise CompileError("nir.size", f"declares more than {MAX_BYTES:,} bytes of arrays")
        return item


def _declared_bytes(dataset: Any, file_bytes: int) -> int:
    """The memory that a dataset takes once it is read, texts apart; CompileError for types and sizes that cannot be."""
    if dataset.shape is None:
        raise CompileError("nir.shape", f"{dataset.name} holds nothing")
    if dataset.dtype.kind not in "biufcSO" or (dataset.dtype.kind == "O" and not _is_text(dataset)):
        raise CompileError("nir.dtype", f"{dataset.name} holds {dataset.dtype}, which no NIR file does")
    declared = prod(dataset.shape) * dataset.dtype.itemsize
    if declared > MAX_BYTES:
        raise CompileError("nir.size", f"{dataset.name} declares {declared:,} bytes of arrays, more than {MAX_BYTES:,}")
    _check_storage(dataset, declared, file_bytes)
    return declared


def _is_text(dataset: Any) -> bool:
    """Whether a dataset holds strings."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def _check_storage(dataset: Any, declared: int, file_bytes: int) -> None:
    """CompileError where the data is not in the file, cannot be decompressed, or is out of proportion to the file."""
    creation = dataset.id.get_create_plist()
    if creation.get_layout() == h5py.h5d.VIRTUAL or creation.get_external_count():
        raise CompileError(
            "nir.link", f"the data of {dataset.name} is in another place", hint="store it in the file itself"
        )
    filters = {creation.get_filter(place)[0] for place in range(creation.get_nfilters())}
    if filters - FILTERS:
        raise CompileError("nir.file", f"{dataset.name} is compressed by the unknown filter {min(filters - FILTERS)}")
    stored = dataset.id.get_storage_size()
    if stored > file_bytes:
        raise CompileError("nir.size", f"{dataset.name} claims {stored:,} stored bytes, the file has {file_bytes:,}")
    chunk = prod(creation.get_chunk()) * dataset.dtype.itemsize if creation.get_layout() == h5py.h5d.CHUNKED else 0
    if max(declared, chunk) > MAX_RATIO * stored + FREE_BYTES:
        raise CompileError(
            "nir.size",
            f"{dataset.name} declares {max(declared, chunk):,} bytes of arrays, but the file holds "
            f"{stored:,} bytes for it",
        )


class _DataReader:
    """Reads the datasets of a tree; texts are counted as they come, HDF5 does not tell their length before."""

    def __init__(self, file_bytes: int) -> None:
        self.rows = max(1, READ_BYTES // max(1, file_bytes))
        self.text_bytes = 0

    def tree(self, tree: Tree) -> Tree:
        return {key: self.tree(item) if is_tree(item) else self._value(item) for key, item in tree.items()}

    def _value(self, dataset: Any) -> Any:
        return self._texts(dataset) if _is_text(dataset) else np.asarray(dataset[()])

    def _texts(self, dataset: Any) -> Any:
        """A text, or an array of texts row by row."""
        if dataset.size > MAX_TEXTS:
            raise CompileError("nir.size", f"{dataset.name} holds more than {MAX_TEXTS:,} texts")
        if dataset.ndim == 0:
            return self._text(dataset[()])
        rows = max(1, min(4096, self.rows // max(1, dataset.size // max(1, len(dataset)))))
        texts = np.empty(dataset.shape, object)
        for start in range(0, len(dataset), rows):
            part = dataset[start : start + rows]
            decoded = np.array([self._text(item) for item in part.reshape(-1)], object)
            texts[start : start + rows] = decoded.reshape(part.shape)
        return texts

    def _text(self, value: Any) -> str:
        self.text_bytes += len(value)
        if self.text_bytes > MAX_TEXT_BYTES:
            raise CompileError("nir.size", f"its texts are longer than {MAX_TEXT_BYTES:,} bytes")
        return utf8_text(value)
