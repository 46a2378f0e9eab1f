"""
Populations as stateful numpy callables that compute one step inside a Lava process.

Loihi's plain integer neuron and the memoryless ones are computed in float64, where every intermediate of their definition
(`ir.ops.integer_neuron`, `ir.ops.neuron`) is an integer below 2^53 and therefore exact; all others run the definition itself,
integers in int64 and real ones in the source's dtype. A time-coded population runs all its micro-steps inside one Lava step:
memoryless neurons fire independently at each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backends.lava.core.dtypes import emission_dtype
from backends.lava.core.plain_lif import PlainLif, total_of
from ir.analysis.plain_neurons import plain_lif
from ir.graph import Array, Graph, Node
from ir.ops.neuron import Burst, Gate, Graded, payload_limits


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
    plain = plain_lif(node)
    if plain is not None:
        assert bounds is not None
        return PlainLif(plain, params, sum(bounds[name] for name in node.inputs), window)
    real = np.dtype(graph.dtype).type
    if isinstance(node.op, (Graded, Gate, Burst)):
        working = real if bounds is None else np.float64
        bias = params["bias"].astype(working) if params else None
        return Memoryless(node.op, bias, working, emitted, real=bounds is None)
    working = real if bounds is None else np.int64
    return Defined(node, {role: array.astype(working) for role, array in params.items()}, working, emitted)


@dataclass
class Defined:
    """A population that runs its operation's own definition (`Op.resume`), the state kept between steps."""

    node: Node
    params: Mapping[str, Array]
    working: Any
    """The dtype in which the definition computes."""
    emitted: Any
    """The dtype of the emission."""
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

    op: Graded | Gate | Burst
    bias: Array | None
    working: Any
    """The dtype in which the definition computes."""
    emitted: Any
    """The dtype of the emission."""
    real: bool
    """Whether the network keeps the source's arithmetic."""

    def reset(self) -> None:
        """Forget nothing."""

    def step(self, *currents: Array) -> Array:
        op, total = self.op, self._biased(self.op.payload_operands(currents))
        if isinstance(op, Burst):
            return np.stack([total > m for m in range(op.micro)], axis=2).astype(self.emitted)
        low, high = map(float, payload_limits(op, self.real))
        payload = np.clip(np.floor(total / (1 << op.shift)) if op.shift else total, low, high)
        if isinstance(op, Gate):
            enable = total_of(op.enabling_operands(currents), self.working)
            payload = np.where(enable >= 1, payload, 0)
        return payload.astype(self.emitted)

    def _biased(self, currents: tuple[Array, ...]) -> Array:
        total = total_of(currents, self.working)
        return total if self.bias is None else total + self.bias
