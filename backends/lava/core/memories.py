"""Wiring that remembers: delay lines and back edges as stateful callables of one step, silent before their window starts."""

from __future__ import annotations

from collections import deque

import numpy as np

from backends.lava.timing import Windows
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.over_time.delay import Delay, Past

FOREVER = 1 << 62
"""More steps than any run has."""


class DelayLine:
    """`ir.ops.Delay` as a ring of the last values, each element read at its own distance."""

    def __init__(self, graph: Graph, node: Node, windows: Windows) -> None:
        """What is delayed beyond the window never arrives."""
        assert isinstance(node.op, Delay)
        steps = graph.arrays(node).get("steps", np.full((), min(node.op.steps, FOREVER)))
        late = np.broadcast_to(steps, node.type.shape).reshape(-1).astype(np.int64)
        self._late = np.minimum(late, windows.steps) if windows.steps else late
        self._elements = np.arange(node.type.size)
        self._steps_done = 0
        try:  # float64 holds whatever passes: integers below 2^53 and floats of either width
            self._ring = np.zeros((int(self._late.max(initial=0)) + 1, windows.lanes, node.type.size))
        except (MemoryError, ValueError):
            what = f"%{node.name}: {int(late.max())} steps of delay do not fit into memory"
            raise CompileError("lava.delay", what, where=str(node.provenance), hint="delay by fewer steps") from None

    def reset(self) -> None:
        """Forget everything."""
        self._ring[: self._steps_done] = 0
        self._steps_done = 0

    def step(self, x: Array) -> Array:
        """The value of one step -> what it was before, (1, lanes, *shape) both."""
        now = self._steps_done % len(self._ring)
        self._ring[now] = x.reshape(self._ring.shape[1:])
        y = self._ring[now - self._late, :, self._elements].T  # negative positions count from the end, as in a ring
        self._steps_done += 1
        return y.reshape(x.shape).astype(x.dtype, copy=False)


class BackEdge:
    """`ir.ops.Past`: `value` at the start of a step, `remember` at its end."""

    def __init__(self, node: Node, windows: Windows) -> None:
        """What is late beyond the window never arrives."""
        assert isinstance(node.op, Past)
        self.of = node.op.of
        self._silence = np.zeros((1, windows.lanes, *node.type.shape), np.float32)
        self._before: deque[Array] = deque(maxlen=min(node.op.steps, windows.steps or FOREVER))

    def reset(self) -> None:
        """Forget everything."""
        self._before.clear()

    def value(self) -> Array:
        """What the value was, zeros before the window."""
        return self._before[0] if len(self._before) == self._before.maxlen else self._silence

    def remember(self, now: Array) -> None:
        """What the value is."""
        self._before.append(now)
