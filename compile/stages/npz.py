"""Arrays by name from and to .npz files."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backends.trace import Array
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
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CompileError("inputs.file", f"cannot read it: {error}", where=str(path), hint=hint) from None


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a compressed .npz file; numpy's own writer has no room for an array called "file"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
