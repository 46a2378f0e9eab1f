"""What our own Lava processes do in a step: compute, send, receive. Plain objects, so that they also run without Lava."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from backends.lava.core.core import Core
from backends.lava.core.recording import Recording
from ir.graph import Array


class Worker(Protocol):
    """
    The work of one process; messages are flat vectors, one per port and step.

    A step sends before it receives, so that no order of processes can deadlock.
    """

    sends: tuple[int, ...]
    """Sizes of the messages that go out."""
    receives: tuple[int, ...]
    """Sizes of the messages that come in."""

    def step(self) -> list[Array]:
        """Compute the step's messages."""
        ...

    def take(self, messages: list[Array]) -> None:
        """Receive the step's messages; this ends the step."""
        ...


class CoreWorker:
    """A core as a process: port k sends emission `sent[k]` and receives `core.receives[k]`."""

    def __init__(self, core: Core, sent: tuple[str, ...]) -> None:
        self.core, self.sent = core, sent
        self.sends = tuple(core.message(name).size for name in sent)
        self.receives = tuple(core.sizes[name] for name in core.receives)

    def step(self) -> list[Array]:
        self.core.step()
        return [self.core.message(name) for name in self.sent]

    def take(self, messages: list[Array]) -> None:
        self.core.receive(dict(zip(self.core.receives, messages, strict=True)))


class HostWorker:
    """The host of a run: plays the inputs sample after sample, then silence, and records the outputs."""

    def __init__(self, inputs: Sequence[Array], outputs: Sequence[Recording], sizes: Sequence[int], dtype: Any) -> None:
        """`inputs`: (windows' steps, elements) each; `outputs`: where to record them; `sizes`: their elements."""
        self.inputs = [np.ascontiguousarray(values, dtype) for values in inputs]
        self.outputs, self.steps_done = outputs, 0
        self.sends = tuple(values.shape[1] for values in inputs)
        self.receives = tuple(sizes)
        self._silence = [np.zeros(size, dtype) for size in self.sends]

    def step(self) -> list[Array]:
        playing = zip(self.inputs, self._silence, strict=True)
        return [values[self.steps_done] if self.steps_done < len(values) else silence for values, silence in playing]

    def take(self, messages: list[Array]) -> None:
        for recording, message in zip(self.outputs, messages, strict=True):
            recording.record(self.steps_done, message.reshape(1, -1, *recording.shape))
        self.steps_done += 1
