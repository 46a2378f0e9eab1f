"""Arrays by name from and to .npz files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backends.trace import Array
from frontend.user_errors import told
from ir.errors import CompileError, no_file


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays by name; CompileError where the file is no whole .npz file of arrays."""
    hint = "--inputs takes an .npz file, as numpy.savez(file, name=array) writes it"
    if not path.is_file():
        raise CompileError("inputs.file", no_file(path), where=str(path), hint=hint)
    if not zipfile.is_zipfile(path):
        raise CompileError("inputs.file", "not a whole .npz file", where=str(path), hint=hint)
    try:
        with np.load(path, allow_pickle=False) as file:
            names: list[str] = file.files
            arrays: dict[str, Any] = {name: _native(array) for name, array in file.items()}
    except Exception as error:  # a list of what zipfile, its decompressors and numpy's parser raise was never complete
        raise CompileError("inputs.file", f"cannot read it: {told(error)}", where=str(path), hint=hint) from None
    if len(arrays) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CompileError("inputs.file", f"{twice!r} is in it twice", where=str(path), hint=hint)
    wrong = next((name for name, array in arrays.items() if not _is_numbers(array)), None)
    if wrong is not None:
        raise CompileError(
            "inputs.file", f"{wrong!r} is no array of numbers of 64 bits or less", where=str(path), hint=hint
        )
    return arrays


def _is_numbers(array: Any) -> bool:
    """Whether an entry is an array of real numbers: entries that are no arrays are bytes, other arrays hold anything."""
    dtype: Any = getattr(array, "dtype", None)
    return isinstance(array, np.ndarray) and dtype.kind in "fiub" and bool(dtype.itemsize <= 8)


def _native(array: Any) -> Any:
    """Numbers in the byte order of this machine; whatever else as it is."""
    return array.astype(array.dtype.newbyteorder("="), copy=False) if _is_numbers(array) else array


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a compressed .npz file; numpy's own writer has no room for an array called "file"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
