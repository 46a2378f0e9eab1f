"""
The zip of a program file: members by name, and arrays as .npy, of equal ones one. No pickle, so that reading runs no code.

The bytes of a program are the same each time.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backends.trace import Array

_MIDNIGHT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ArrayMembers:
    """Arrays that become members of a file."""

    members: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Member -> its content."""
    _names: dict[bytes, str] = field(default_factory=dict[bytes, str])
    """Digest of a content -> its member."""

    def add(self, array: Array) -> str:
        """The member that holds an array; networks before and after a pass share most of theirs."""
        file = io.BytesIO()
        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
        content = file.getvalue()
        name = self._names.setdefault(hashlib.sha256(content).digest(), f"arrays/{len(self._names)}.npy")
        self.members[name] = content
        return name


def array_of(content: bytes) -> Array:
    """A read-only array; ValueError where it is none."""
    array: Array = np.load(io.BytesIO(content), allow_pickle=False)
    array.flags.writeable = False
    return array


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip that is the same each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _MIDNIGHT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file.getvalue()


def unzipped(path: Path) -> dict[str, bytes]:
    """All members, their checksums compared; an error of zipfile, zlib or the system where that fails."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
