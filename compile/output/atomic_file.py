"""
A file that is whole at every moment: written beside its place, then renamed.

Pipes and devices, as `/dev/stdout`, stay what they are: they are written to, and never replaced.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a text (UTF-8) or bytes; an interrupt or a full disk leaves what was there before. OSError as `Path.write_bytes`."""
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(_bytes(content))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        partial.write_bytes(_bytes(content))
        os.replace(partial, path)
    except OSError as error:
        error.filename = str(path)  # a write that fails names none
        raise
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
