"""How far a run has come and what went wrong, told by the child processes through shared memory."""

from __future__ import annotations

import traceback

import numpy as np

from backends.lava.runtime.recording import shared_array

_TEXT_BYTES = 8192


class Status:
    """Shared between a run and its processes: the last step that any of our processes finished, and the first failure."""

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
