"""The user's own inputs, from an .npz file with one array per input of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compile.stages.npz import read_arrays
from compile.stages.source import Part, Source
from ir.errors import CompileError


def with_inputs(source: Source, path: Path, whole: bool) -> Source:
    """
    The source with the file's inputs in place of the examples; a part none of whose inputs are given is left out.

    Args:
        whole: the source has all parts of the network, so that a name it does not know is a mistake.

    Raises:
        CompileError: the file is no .npz file of arrays, is empty, or holds what is no input of the network.
    """
    arrays = read_arrays(path)
    known = dict.fromkeys(name for part in source.parts for name in part.example)
    hint = f"inputs: {', '.join(known)}"
    unknown = [name for name in arrays if name not in known]
    if unknown and (whole or len(unknown) == len(arrays)):
        raise CompileError("inputs.names", f"the network has no input {', '.join(unknown)}", where=str(path), hint=hint)
    parts = [replace(part, example=own) for part in source.parts if (own := _own_inputs(part, arrays))]
    if not parts:
        raise CompileError("inputs.names", "the file is empty", where=str(path), hint=hint)
    return replace(source, parts=tuple(parts))


def _own_inputs(part: Part, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: arrays[name] for name in part.example if name in arrays}
