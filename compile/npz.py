"""Arrays by name from an .npz file of the user's."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from backends.trace import Array
from ir.errors import CompileError


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays by name; CompileError where the file is no whole .npz file of arrays."""
    hint = "--inputs takes an .npz file, as numpy.savez(file, name=array) writes it"
    if not path.is_file():
        raise CompileError("inputs.file", "no such file", str(path), hint)
    if not zipfile.is_zipfile(path):
        raise CompileError("inputs.file", "not a whole .npz file", str(path), hint)
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CompileError("inputs.file", f"cannot read it: {error}", str(path), hint) from None
