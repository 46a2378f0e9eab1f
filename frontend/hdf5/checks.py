"""
What an HDF5 dataset declares, checked before anything is read: type, storage, filters, size.

A file of a few kilobytes can declare terabytes: by chunks that were never stored, by compression, by data in other files. So
what is declared must be in proportion to what is stored, and everything together below a limit.
"""

from __future__ import annotations

from math import prod
from typing import Any

import h5py

from ir.errors import CompileError

MAX_BYTES = 8 << 30
"""Files whose arrays would take more memory than this are refused."""
MAX_RATIO = 1100
"""Declared against stored bytes; deflate compresses by 1032 at most."""
FREE_BYTES = 1 << 16
"""A dataset up to this size may be stored in no bytes at all: HDF5 leaves out what is all zeros and never written."""
FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}


def declared_bytes(dataset: Any, file_bytes: int) -> int:
    """
    The memory that a dataset takes once it is read, texts apart.

    Raises:
        CompileError: for types that no NIR file holds, data outside of the file, and sizes out of proportion.
    """
    if dataset.shape is None:
        raise CompileError("nir.shape", f"{dataset.name} holds nothing")
    if dataset.dtype.kind not in "biufcSO" or (dataset.dtype.kind == "O" and not is_text(dataset)):
        raise CompileError("nir.dtype", f"{dataset.name} holds {dataset.dtype}, which no NIR file does")
    declared = prod(dataset.shape) * dataset.dtype.itemsize
    if declared > MAX_BYTES:
        raise CompileError("nir.size", f"{dataset.name} declares {declared:,} bytes of arrays, more than {MAX_BYTES:,}")
    _check_storage(dataset, declared, file_bytes)
    return declared


def is_text(dataset: Any) -> bool:
    """Whether a dataset holds strings."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def _check_storage(dataset: Any, declared: int, file_bytes: int) -> None:
    plan = dataset.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise CompileError(
            "nir.link", f"the data of {dataset.name} is in another place", hint="store it in the file itself"
        )
    filters = {plan.get_filter(place)[0] for place in range(plan.get_nfilters())}
    if filters - FILTERS:
        raise CompileError("nir.file", f"{dataset.name} is compressed by the unknown filter {min(filters - FILTERS)}")
    stored = dataset.id.get_storage_size()
    if stored > file_bytes:
        raise CompileError("nir.size", f"{dataset.name} claims {stored:,} stored bytes, the file has {file_bytes:,}")
    chunk = prod(plan.get_chunk()) * dataset.dtype.itemsize if plan.get_layout() == h5py.h5d.CHUNKED else 0
    if max(declared, chunk) > MAX_RATIO * stored + FREE_BYTES:
        raise CompileError(
            "nir.size",
            f"{dataset.name} declares {max(declared, chunk):,} bytes of arrays, but the file holds "
            f"{stored:,} bytes for it",
        )
