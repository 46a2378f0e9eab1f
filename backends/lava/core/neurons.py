"""
Populations as stateful numpy callables that compute one step inside a Lava process.

Loihi's plain integer neuron and the memoryless ones are computed in float64, where every intermediate of their definition
(`ir.ops.integer_neuron`, `ir.ops.neuron`) is an integer below 2^53 and therefore exact; all others run the definition itself,
integers in int64 and real ones in the source's number type. A time-coded population runs all its micro-steps inside one Lava
step: memoryless neurons fire independently at each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backends.lava.core.number_types import emission_dtype
from backends.lava.core.plain_lif import PlainLif, is_plain, total_of
from ir.graph import Array, Graph, Node
from ir.ops.neuron import Burst, Gate, Graded


class Neuron(Protocol):
    """A population's state and dynamics."""

    def reset(self) -> None:
        """Start a window from zero state."""
        ...

    def step(self, *currents: Array) -> Array:
        """One step: currents (1, lanes, *shape) -> emission (1, lanes, *shape)."""
        ...


def neuron_of(graph: Graph, node: Node, bounds: Mapping[str, int] | None, window: int) -> Neuron:
    """
    The callable of a neuron node, with its bias and the constants of its single neurons.

    Args:
        bounds: the range proof, None for a real network. window: steps between resets, 0 for none.
    """
    params, emitted = graph.arrays(node), emission_dtype(graph, node)
    if is_plain(node):
        assert bounds is not None
        return PlainLif(node, params.get("bias"), sum(bounds[name] for name in node.inputs), window)
    real = np.dtype(graph.dtype).type
    if isinstance(node.op, (Graded, Gate, Burst)):
        working = real if bounds is None else np.float64
        return Memoryless(node, params["bias"].astype(working) if params else None, working, emitted)
    working = real if bounds is None else np.int64
    return Defined(node, {role: array.astype(working) for role, array in params.items()}, working, emitted)


def _biased(currents: tuple[Array, ...], bias: Array | None, dtype: Any) -> Array:
    total = total_of(currents, dtype)
    return total if bias is None else total + bias


@dataclass
class Defined:
    """A population that runs its operation's own definition (`Op.resume`), the state kept between steps."""

    node: Node
    params: Mapping[str, Array]
    working: Any
    emitted: Any
    state: Any = None

    def reset(self) -> None:
        self.state = None

    def step(self, *currents: Array) -> Array:
        args = tuple(current.astype(self.working, copy=False) for current in currents)
        emission, self.state = self.node.op.resume(args, self.params, 1, self.state)
        return emission.astype(self.emitted, copy=False)


@dataclass
class Memoryless:
    """Graded, gate and burst neurons: no state, so a step is the operation's definition."""

    node: Node
    bias: Array | None
    working: Any
    emitted: Any

    def reset(self) -> None:
        """Nothing to forget."""

    def step(self, *currents: Array) -> Array:
        op = self.node.op
        if isinstance(op, Burst):
            count = _biased(currents, self.bias, self.working)
            return np.stack([count > m for m in range(op.micro)], axis=2).astype(self.emitted)
        if isinstance(op, Gate):
            enable = total_of(currents[-op.enables :], self.working)
            return np.where(enable >= 1, self._payload(currents[: -op.enables]), 0).astype(self.emitted)
        return self._payload(currents).astype(self.emitted)

    def _payload(self, currents: tuple[Array, ...]) -> Array:
        op = self.node.op
        assert isinstance(op, (Graded, Gate))
        top = float(1 << (op.bits - 1))
        total = _biased(currents, self.bias, self.working)
        return np.clip(np.floor(total / (1 << op.shift)) if op.shift else total, -top, top - 1)
