"""Results of chunks in a folder, one file each, under the names of what they are results of; whole or not there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from compile.evaluation.result import Result, unpack


class Store:
    """The folder; it is made where it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def load(self, key: str) -> Result | None:
        """A result that is stored, None where there is no whole one."""
        path = self._path(key)
        return unpack(path.read_bytes()) if path.is_file() else None

    def save(self, key: str, packed: bytes) -> None:
        """Store a packed result under a temporary name, then give it its own."""
        with NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as file:
            try:
                file.write(packed)
                file.close()
                os.replace(file.name, self._path(key))
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
