"""
Memory shared between the run and its Lava processes: recorded emissions, activity counts, progress and failures.

Anonymous shared maps are inherited over fork and vanish with the last process, whatever ends it: no file or segment can be
left behind, and a child can leave word of its failure without a message.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.lava.core.joint import Emission, Product
from backends.lava.timing import Windows
from ir.errors import CompileError
from ir.graph import Array


def shared_array(shape: tuple[int, ...], dtype: Any) -> Array:
    """A zeroed array in shared memory."""
    items = int(np.prod(shape, dtype=np.int64))
    try:
        memory = mmap.mmap(-1, max(1, items * np.dtype(dtype).itemsize))
    except (OSError, OverflowError, MemoryError) as error:
        what = f"cannot reserve {items * np.dtype(dtype).itemsize / 2**20:.0f} MiB of shared memory for the results: {error}"
        raise CompileError(
            "lava.memory", what, hint="run fewer samples at a time, or probe fewer populations"
        ) from None
    return np.frombuffer(memory, dtype, count=items).reshape(shape)


@dataclass(frozen=True)
class Tap:
    """
    Where one emission is recorded, and which steps count: those of the samples' windows, from step `first`.

    shape: of one sample's emission; values: (T, samples, *shape) or None; activity: how often each element was active,
    (1, size), or that by the step of the window, (T, size), or only how many were in all, (1, 1), or None.
    """

    shape: tuple[int, ...]
    first: int
    windows: Windows
    values: Array | None = None
    activity: Array | None = None

    @property
    def names_elements(self) -> bool:
        """Whether anything is recorded of single elements."""
        return self.values is not None or (self.activity is not None and self.activity.size != 1)

    def record(self, step: int, emission: Emission) -> None:
        """Take the emission (1, lanes, *shape) of hardware step `step`, if it lies inside the windows."""
        local = step - self.first
        if not 0 <= local < self.windows.total:
            return
        at, samples = self.windows.at(local)
        lanes = samples.stop - samples.start
        if isinstance(emission, Product):
            if self.activity is not None:
                self.activity[0] += emission.active(lanes)
            return
        emitted = emission[0, :lanes]
        if self.values is not None:
            self.values[at, samples] = emitted
        if self.activity is not None:
            row = self.activity[at % len(self.activity)]
            row += active_elements(emitted, len(row))


def active_elements(emitted: Array, elements: int) -> Array | int:
    """How many samples each element is active in, emitted (samples, *shape); their sum where one element is asked for."""
    active = emitted != 0
    if elements == 1:
        return int(np.count_nonzero(active))
    return active.reshape(-1) if len(active) == 1 else np.count_nonzero(active, axis=0).reshape(-1)
