"""The user's own inputs, from an .npz file with one array per input of the network."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.trace import Array
from compile.source import Part, Source
from ir.errors import CompileError


def with_inputs(source: Source, path: Path, whole: bool) -> Source:
    """
    The source with the file's inputs in place of the examples; a part none of whose inputs are given is left out.

    Args:
        whole: the source has all parts of the network, so that a name it does not know is a mistake.

    Raises:
        CompileError: the file is no .npz file of arrays, is empty, or holds what is no input of the network.
    """
    arrays = _arrays(path)
    known = dict.fromkeys(name for part in source.parts for name in part.example)
    hint = f"inputs: {', '.join(known)}"
    unknown = [name for name in arrays if name not in known]
    if unknown and (whole or len(unknown) == len(arrays)):
        raise CompileError("inputs.names", f"the network has no input {', '.join(unknown)}", str(path), hint)
    parts = [replace(part, example=own) for part in source.parts if (own := _own_inputs(part, arrays))]
    if not parts:
        raise CompileError("inputs.names", "the file is empty", str(path), hint)
    return replace(source, parts=tuple(parts))


def _arrays(path: Path) -> dict[str, Array]:
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


def _own_inputs(part: Part, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: arrays[name] for name in part.example if name in arrays}
