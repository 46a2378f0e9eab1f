"""
A file that is whole at every moment: written beside its place, then renamed; what a killed process left there is written over.

Pipes and devices, as `/dev/stdout`, stay what they are: they are written to, and never replaced.
"""

from __future__ import annotations

import os
from pathlib import Path

from compile.output.locked_file import is_at, locked_file


def write_atomically(path: Path, content: str | bytes) -> None:
    """
    Write a text (UTF-8) or bytes; an interrupt, a kill or a full disk leaves what was there before.

    Raises:
        OSError: as `Path.write_bytes`.
        CompileError: another process is writing the same file for long.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(_bytes(content))
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with locked_file(partial) as lock:
            try:
                partial.write_bytes(_bytes(content))
                os.replace(partial, path)
            finally:
                if is_at(lock, partial):
                    partial.unlink()
    except OSError as error:
        error.filename = str(path)  # a write that fails names none
        raise


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
