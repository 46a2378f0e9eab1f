"""Results of chunks in a folder, one file each, under the names of what they are results of; whole or not there."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from backends.trace import Events
from compile.evaluation.chunk import Result


class Store:
    """The folder; it is made where it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def load(self, key: str) -> Result | None:
        """A result that is stored, None where there is no whole one."""
        try:
            with self._path(key).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                record = json.loads(str(file["record"]))
                outputs = {name: file[f"output{index}"] for index, name in enumerate(record["outputs"])}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        return Result(outputs, Events(**record["events"]))

    def save(self, key: str, result: Result) -> None:
        """Store a result under a temporary name, then give it its own."""
        record = json.dumps({"outputs": list(result.outputs), "events": asdict(result.events)})
        arrays = {f"output{index}": array for index, array in enumerate(result.outputs.values())}
        with NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as file:
            try:
                np.savez_compressed(file, record=np.array(record), **arrays)
                file.close()
                os.replace(file.name, self._path(key))
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
