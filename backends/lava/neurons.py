"""
Populations as stateful numpy callables that compute one step inside a Lava process.

The integer neurons compute in float64, where every intermediate of their definition (ir/ops/loihi.py, ir/ops/neuron.py) is an
integer below 2^53 and therefore exact; real neurons run the operation itself in float32. A time-coded population runs all its
micro-steps inside one Lava step: memoryless neurons fire independently at each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops.loihi import LoihiLif
from ir.ops.membrane import Membrane, State
from ir.ops.neuron import Burst, Gate, Graded

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


def neuron_of(graph: Graph, node: Node, bounds: Mapping[str, int] | None, window: int) -> Neuron:
    """
    The callable of a neuron node, with its bias.

    Args:
        bounds: the range proof, None for a real network. window: steps between resets, 0 for none.
    """
    bias = graph.arrays(node).get("bias")
    if isinstance(node.op, LoihiLif):
        assert bounds is not None
        return IntegerLif(node, bias, sum(bounds[name] for name in node.inputs), window)
    working = np.float32 if bounds is None else np.float64
    kind = RealNeuron if isinstance(node.op, Membrane) else Memoryless
    return kind(node, None if bias is None else bias.astype(working), working)


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


class IntegerLif:
    """
    The integer neuron of Loihi, see ir.ops.loihi.LoihiLif: decays truncate toward zero, u folds once, v saturates.

    Where the range proof excludes folding and saturation these are left out, and where the state then fits float32 (halving
    or keeping an integer is exact there, other decays need more bits) it is kept in float32.
    """

    def __init__(self, node: Node, bias: Array | None, reach: int, window: int) -> None:
        """`reach`: largest magnitude of the total current; `window`: steps between resets, 0 for none."""
        op = node.op
        assert isinstance(op, LoihiLif)
        unit, self.half = 1 << op.decay_bits, 1 << (op.state_bits - 1)
        self.kept_u, self.kept_v = (unit - op.du - 1) / unit, (unit - op.dv) / unit
        drive = (reach << op.shift) + (0 if bias is None else int(np.abs(bias).max()))
        steps = 1 if not self.kept_v else window
        self.folds = bool(self.kept_u) or reach << op.shift >= self.half
        self.saturates = self.folds or not steps or steps * drive >= self.half
        self.dtype: Any = np.float32 if not self.saturates and self.kept_v in (0, 0.5, 1) else np.float64
        self.gain, self.threshold = float(1 << op.shift), float(op.vth << op.shift)
        self.bias = None if bias is None else bias.astype(self.dtype)
        self.u: Array | float = 0.0
        self.v: Array | float = 0.0

    def reset(self) -> None:
        self.u = self.v = 0.0

    def step(self, *currents: Array) -> Array:
        v = _total(currents, self.dtype)
        v *= self.gain
        if self.folds:
            v = self._folded(v)
            self.u = v.copy()
        if self.kept_v:
            v += np.trunc(np.multiply(self.v, self.kept_v, dtype=self.dtype))
        if self.bias is not None:
            v += self.bias
        if self.saturates:
            np.clip(v, 1 - self.half, self.half - 1, out=v)
        fired = v > self.threshold
        if self.kept_v:
            v[fired] = 0
            self.v = v
        return fired.astype(np.float32)

    def _folded(self, u: Array) -> Array:
        """The current after decay and input, folded once into (-half, half]."""
        u += np.trunc(np.multiply(self.u, self.kept_u))
        u[u > self.half] -= 2 * self.half
        u[u <= -self.half] += 2 * self.half
        return u


@dataclass
class RealNeuron:
    """The source's own neuron in float32: `Membrane.step` with its state kept between steps."""

    node: Node
    bias: Array | None
    working: Any
    state: State | None = None

    def reset(self) -> None:
        self.state = None

    def step(self, *currents: Array) -> Array:
        assert isinstance(self.node.op, Membrane)
        emitted, self.state = self.node.op.resume((_biased(currents, self.bias, self.working),), {}, 1, self.state)
        return emitted


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
