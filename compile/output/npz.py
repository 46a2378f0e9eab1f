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
            arrays: dict[str, Any] = dict(file)
    except Exception as error:  # a list of what zipfile, its decompressors and numpy's parser raise was never complete
        raise CompileError("inputs.file", f"cannot read it: {told(error)}", where=str(path), hint=hint) from None
    wrong = next((name for name, array in arrays.items() if not _is_numbers(array)), None)
    if wrong is not None:
        raise CompileError("inputs.file", f"{wrong!r} is no array of numbers", where=str(path), hint=hint)
    return arrays


def _is_numbers(array: Any) -> bool:
    """Whether an entry is an array of real numbers: entries that are no arrays are bytes, other arrays hold anything."""
    return isinstance(array, np.ndarray) and array.dtype.kind in "fiub"


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a compressed .npz file; numpy's own writer has no room for an array called "file"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
