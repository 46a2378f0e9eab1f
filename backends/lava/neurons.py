"""
Populations as stateful numpy callables that compute one step inside a Lava process.

The integer neurons compute in float64, where every intermediate of their definition (ir/ops/loihi.py, ir/ops/neuron.py) is an
integer below 2^53 and therefore exact; real neurons run the operation itself in float32. A time-coded population runs all its
micro-steps inside one Lava step: memoryless neurons fire independently at each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Burst, Gate, Graded, Lif

FLOAT32_PAYLOAD_BITS = 25
"""Payloads of up to this many bits (sign included) are exact in float32."""


class Neuron(Protocol):
    """A population's state and dynamics."""

    def reset(self) -> None:
        """Start a window from zero state."""
        ...

    def step(self, *currents: Array) -> Array:
        """One step: currents (1, 1, *shape) -> emission (1, 1, *shape)."""
        ...


def neuron_of(graph: Graph, node: Node, working: Any) -> Neuron:
    """The callable of a neuron node, with its bias; `working` is float64 for integer networks, float32 for real ones."""
    bias = graph.arrays(node).get("bias")
    return _NEURONS[type(node.op)](node, None if bias is None else bias.astype(working), working)


def emission_dtype(node: Node) -> Any:
    """The number type in which a value is emitted: float32, or float64 for payloads that float32 would round."""
    wide = node.type.domain.kind == "graded" and node.type.domain.bound > FLOAT32_PAYLOAD_BITS
    return np.float64 if wide else np.float32


def _total(currents: tuple[Array, ...], dtype: Any) -> Array:
    total = currents[0].astype(dtype)
    for current in currents[1:]:
        total += current
    return total


def _biased(currents: tuple[Array, ...], bias: Array | None, dtype: Any) -> Array:
    total = _total(currents, dtype)
    return total if bias is None else total + bias


@dataclass
class IntegerLif:
    """The integer neuron of Loihi, see ir.ops.loihi.LoihiLif: decays truncate toward zero, u folds once, v saturates."""

    node: Node
    bias: Array | None
    working: Any
    u: Array | float = 0.0
    v: Array | float = 0.0

    def __post_init__(self) -> None:
        assert isinstance(self.node.op, LoihiLif)
        op = self.node.op
        self.unit, self.half = float(1 << op.decay_bits), float(1 << (op.state_bits - 1))
        self.keep_u, self.keep_v = self.unit - op.du - 1, self.unit - op.dv
        self.gain, self.threshold = float(1 << op.shift), float(op.vth << op.shift)

    def reset(self) -> None:
        self.u = self.v = 0.0

    def step(self, *currents: Array) -> Array:
        u = _total(currents, self.working)
        u *= self.gain
        if self.keep_u:
            u += np.trunc(self.u * (self.keep_u / self.unit))
        np.subtract(u, 2 * self.half, out=u, where=u > self.half)
        np.add(u, 2 * self.half, out=u, where=u <= -self.half)
        v = u + np.trunc(self.v * (self.keep_v / self.unit)) if self.keep_v else u.copy()
        if self.bias is not None:
            v += self.bias
        np.clip(v, 1 - self.half, self.half - 1, out=v)
        fired = v > self.threshold
        v[fired] = 0.0
        self.u, self.v = u, v
        return fired.astype(np.float32)


@dataclass
class RealLif:
    """The source's own neuron in float32: `Lif.step` with its state kept between steps."""

    node: Node
    bias: Array | None
    working: Any
    v: Array | None = None

    def reset(self) -> None:
        self.v = None

    def step(self, *currents: Array) -> Array:
        assert isinstance(self.node.op, Lif)
        x = _biased(currents, self.bias, self.working)
        spikes, self.v = self.node.op.step(np.zeros_like(x) if self.v is None else self.v, x)
        return spikes


@dataclass
class Memoryless:
    """Graded, gate and burst neurons: no state, so a step is the operation's definition."""

    node: Node
    bias: Array | None
    working: Any

    def __post_init__(self) -> None:
        self.dtype = emission_dtype(self.node)

    def reset(self) -> None:
        """Nothing to forget."""

    def step(self, *currents: Array) -> Array:
        op = self.node.op
        if isinstance(op, Burst):
            count = _biased(currents, self.bias, self.working)
            return np.stack([count > m for m in range(op.micro)], axis=2).astype(np.float32)
        if isinstance(op, Gate):
            enable = _total(currents[-op.enables :], self.working)
            return np.where(enable >= 1, self._payload(currents[: -op.enables]), 0).astype(self.dtype)
        return self._payload(currents).astype(self.dtype)

    def _payload(self, currents: tuple[Array, ...]) -> Array:
        op = self.node.op
        assert isinstance(op, (Graded, Gate))
        top = float(1 << (op.bits - 1))
        total = _biased(currents, self.bias, self.working)
        return np.clip(np.floor(total / (1 << op.shift)) if op.shift else total, -top, top - 1)


_NEURONS: dict[type, Any] = {
    LoihiLif: IntegerLif,
    Lif: RealLif,
    Graded: Memoryless,
    Gate: Memoryless,
    Burst: Memoryless,
}
