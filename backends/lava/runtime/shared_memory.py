"""
Memory without a name, shared with Lava's processes: results, channels, progress and failures.

Anonymous maps are inherited over fork and vanish with the last process that maps them, whatever ends it: no file or segment
can be left behind, and a child can leave word of its failure without a message. Lava's own way, a manager process and named
segments in /dev/shm, leaves segments behind when processes are killed.
"""

from __future__ import annotations

import mmap
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from ir.errors import CompileError
from ir.graph import Array

_TEXT_BYTES = 8192


def shared_array(shape: tuple[int, ...], dtype: Any) -> Array:
    """A zeroed array that children forked later share; CompileError where there is no memory for it."""
    items = int(np.prod(shape, dtype=np.int64))
    size = items * np.dtype(dtype).itemsize
    try:
        memory = mmap.mmap(-1, max(1, size))
    except (OSError, OverflowError, MemoryError) as error:
        what = f"cannot reserve {size / 2**20:.0f} MiB of shared memory for the results: {error}"
        raise CompileError(
            "lava.memory", what, hint="run fewer samples at a time, or probe fewer populations"
        ) from None
    return np.frombuffer(memory, dtype, count=items).reshape(shape)


@dataclass(frozen=True)
class Segment:
    """The memory of one channel."""

    buf: memoryview


class ChannelMemory:
    """Takes the place of Lava's shared memory manager."""

    def create_shared_memory(self, size: int) -> Segment:
        """`size` bytes that are shared with children forked later; OSError where there is no memory."""
        return Segment(memoryview(mmap.mmap(-1, max(1, size))))

    def shutdown(self) -> None:
        """Give nothing back: the memory goes with its last user."""


class Status:
    """How far a run has come, and its first failure, as told by any of our processes."""

    def __init__(self) -> None:
        self._step = shared_array((1,), np.int64)
        self._text = shared_array((_TEXT_BYTES,), np.uint8)

    @property
    def step(self) -> int:
        """Steps that the run has finished."""
        return int(self._step[0])

    @property
    def failure(self) -> str:
        """The traceback of the process that failed, or an empty string."""
        return bytes(self._text).rstrip(b"\0").decode(errors="replace")

    def progress(self, step: int) -> None:
        """Note that a process finished `step` steps."""
        self._step[0] = step

    def fail(self, error: BaseException) -> None:
        """Note why a process gives up (the first failure stays)."""
        if not self._text[0]:
            text = "".join(traceback.format_exception(error)).encode()[-_TEXT_BYTES:]
            self._text[: len(text)] = np.frombuffer(text, np.uint8)
