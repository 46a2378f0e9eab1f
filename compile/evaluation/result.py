"""What a chunk came to, and how it is packed for the way from its worker and for its file."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from backends.trace import Array, Events


@dataclass(frozen=True)
class Result:
    """Outputs of a chunk by name, in the layout of `Trace.outputs`, and its events."""

    outputs: Mapping[str, Array]
    events: Events


def pack(result: Result) -> bytes:
    """A result as an .npz file."""
    record = json.dumps({"outputs": list(result.outputs), "events": asdict(result.events)})
    arrays = {f"output{index}": array for index, array in enumerate(result.outputs.values())}
    file = io.BytesIO()
    np.savez_compressed(file, record=np.array(record), **arrays)
    return file.getvalue()


def unpack(packed: bytes) -> Result | None:
    """The result, None where the bytes are not a whole one."""
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as file:
            record = json.loads(str(file["record"]))
            outputs = {name: file[f"output{index}"] for index, name in enumerate(record["outputs"])}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return Result(outputs, Events(**record["events"]))


def total_events(results: Sequence[Result]) -> Events:
    """The events of all chunks of a part."""
    parts = [result.events for result in results]
    sums = {
        kind: {name: sum(getattr(own, kind)[name] for own in parts) for name in getattr(parts[0], kind)}
        for kind in ("spikes", "synaptic", "updates")
    }
    return Events(sum(events.samples for events in parts), parts[0].steps, **sums)
