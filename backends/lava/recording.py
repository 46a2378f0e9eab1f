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
    Where one emission is recorded, and which steps count: `count` from `first`, the samples' windows.

    shape: of one emission; values: (count, *shape) or None; activity: how often each element was active, (1, size), or that
    by the step of the window, (T, size), or None.
    """

    shape: tuple[int, ...]
    first: int
    count: int
    values: Array | None = None
    activity: Array | None = None

    def record(self, step: int, emission: Array) -> None:
        """Take the emission (1, 1, *shape) of hardware step `step`, if it lies inside the windows."""
        local = step - self.first
        if not 0 <= local < self.count:
            return
        if self.values is not None:
            self.values[local] = emission[0, 0]
        if self.activity is not None:
            active = self.activity[local % len(self.activity)]
            np.add(active, emission.reshape(-1) != 0, out=active)

    def samples(self, steps: int) -> Array:
        """The recorded values as (T, B, *shape)."""
        assert self.values is not None
        per_sample = self.values.reshape(-1, steps, *self.shape)
        return np.ascontiguousarray(per_sample.swapaxes(0, 1))
