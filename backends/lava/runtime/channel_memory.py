"""
Memory for Lava's channels without a name: it is inherited over fork and vanishes with the last process that maps it.

Lava's own way, a manager process and named segments in /dev/shm, leaves segments behind when processes are killed.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass


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
        """Nothing to give back: the memory goes with its last user."""
