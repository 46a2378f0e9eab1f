"""What a batch came to, how it is packed for the way from its worker, and the folder where it is kept, whole or not there."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from backends.trace import Array, Events
from compile.output.atomic_file import write_atomically

CHECKSUM_SIZE = 32


@dataclass(frozen=True)
class BatchResult:
    """What the network made of a batch."""

    outputs: Mapping[str, Array]
    """By name, in the layout of `Trace.outputs`."""
    events: Events


def pack(key: str, result: BatchResult) -> bytes:
    """Write a result as an .npz file, with a checksum of its key and all bytes behind it, which readers of .npz pass over."""
    record = json.dumps({"outputs": list(result.outputs), "events": asdict(result.events)})
    arrays: dict[str, Any] = {f"output{index}": array for index, array in enumerate(result.outputs.values())}
    file = io.BytesIO()
    np.savez_compressed(file, record=np.array(record), **arrays)
    return file.getvalue() + _checksum(key, file.getvalue())


def unpack(key: str, packed: bytes) -> BatchResult | None:
    """Read a packed result; None where it is another one's than the key's, or any byte is not as it was packed."""
    content, checksum = packed[:-CHECKSUM_SIZE], packed[-CHECKSUM_SIZE:]
    if checksum != _checksum(key, content):
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        record = json.loads(str(file["record"]))
        outputs = {name: file[f"output{index}"] for index, name in enumerate(record["outputs"])}
    return BatchResult(outputs, Events(**record["events"]))


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def total_events(results: Sequence[BatchResult]) -> Events:
    """Add up the events of all batches of a part."""
    return reduce(add, (result.events for result in results))


class ResultCache:
    """Packed results in a folder, one file each, named by what they are results of (`batch_key`)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def load(self, key: str) -> BatchResult | None:
        """Read a result; None where there is no whole one."""
        path = self._path(key)
        return unpack(key, path.read_bytes()) if path.is_file() else None

    def save(self, key: str, packed: bytes) -> None:
        """Write a packed result, whole or not at all."""
        write_atomically(self._path(key), packed)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
