"""
Gates that are never materialised: populations that emit the product of two operands and are only ever summed.

An AND of two spikes, or a payload gated by a spike, is a b element by element. Where the operands were expanded on the way and
the only readers are sums over axes, these are matrix products of what there was before: (Q K^T) V without its N x N x D gates.
How many gates were active is a sum of the same kind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from backends.lava.core.plain_lif import is_plain
from ir.analysis.fan_in import populations
from ir.graph import Array, Graph, Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Gate


@dataclass(frozen=True)
class Product:
    """The emission a b of a population of `shape`; a and b are (1, lanes, *shape), of length 1 where they do not vary."""

    a: Array
    b: Array
    shape: tuple[int, ...]

    def summed(self, axes: tuple[int, ...], dtype: Any) -> Array:
        """The sum over `axes` of (1, lanes, *shape), kept with length 1, in the number type `dtype`."""
        full = (*np.broadcast_shapes(self.a.shape[:2], self.b.shape[:2]), *self.shape)
        a, b, copies = self.a.astype(dtype, copy=False), self.b.astype(dtype, copy=False), 1
        for axis in axes:
            if a.shape[axis] == 1 and b.shape[axis] == 1:
                copies *= full[axis]
            elif b.shape[axis] == 1:
                a = a.sum(axis=axis, keepdims=True)
            elif a.shape[axis] == 1:
                b = b.sum(axis=axis, keepdims=True)
        total = _contracted(a, b, axes)
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(full))
        return np.broadcast_to(total if copies == 1 else total * dtype(copies), kept)

    def active(self, samples: int) -> int:
        """How many elements are not zero, in the first lanes."""
        spikes = Product(self.a[:, :samples] != 0, self.b[:, :samples] != 0, self.shape)
        return int(spikes.summed(tuple(range(2 + len(self.shape))), np.float64).item())


def _contracted(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """The sum of a b over those of `axes` along which both vary, as one matrix product for each place of the shared others."""
    varies = [(a.shape[axis] > 1, b.shape[axis] > 1) for axis in range(a.ndim)]
    summed = [axis for axis, both in enumerate(varies) if all(both) and axis in axes]
    shared = [axis for axis, both in enumerate(varies) if all(both) and axis not in axes]
    rows = [axis for axis, (one, other) in enumerate(varies) if one and not other]
    columns = [axis for axis, (one, other) in enumerate(varies) if other and not one]
    left = a.transpose(_order(a.ndim, shared + rows + summed))
    right = b.transpose(_order(a.ndim, shared + summed + columns))
    size = {axis: max(a.shape[axis], b.shape[axis]) for axis in range(a.ndim)}
    many, high, deep, wide = (prod(size[axis] for axis in own) for own in (shared, rows, summed, columns))
    product = left.reshape(many, high, deep) @ right.reshape(many, deep, wide)
    order = _order(a.ndim, shared + rows + columns)
    placed = product.reshape([1 if axis in summed else size[axis] for axis in order])
    return placed.transpose(np.argsort(order))


def _order(rank: int, first: list[int]) -> list[int]:
    return [*first, *(axis for axis in range(rank) if axis not in first)]


Emission = Array | Product
"""What a population emits in a step."""


@dataclass(frozen=True)
class JointGate:
    """A population of `shape` that emits products; it has no state."""

    shape: tuple[int, ...]

    def step(self, a: Array, b: Array) -> Product:
        """One step: unit currents (1, lanes, *shape) of a spike or payload, and of the spike that opens it."""
        return Product(_without_copies(a), _without_copies(b), self.shape)


def _without_copies(value: Array) -> Array:
    """The value with every axis that was expanded (stride 0) cut to length 1; step and lanes stay."""
    return value[
        (slice(None), slice(None), *(slice(1) if stride == 0 else slice(None) for stride in value.strides[2:]))
    ]


def joint_gates(graph: Graph, recorded: Collection[str]) -> frozenset[str]:
    """The populations of an integer network that need not be materialised; of those `recorded`, single elements are asked for."""
    if graph.loops or not graph.is_integer:
        return frozenset()
    readers, shown = graph.users(), {*graph.outputs.values(), *recorded}
    return frozenset(
        node.name
        for node in populations(graph)
        if node.name not in shown
        and readers[node.name]
        and all(isinstance(reader.op, Sum) and not reader.op.micro for reader in readers[node.name])
        and _is_product(graph, node)
    )


def _is_product(graph: Graph, node: Node) -> bool:
    """Whether a population emits the product of its two unit currents, the last of which is a spike's."""
    synapses = [graph.nodes[name] for name in node.inputs]
    if node.params or len(synapses) != 2 or not all(n.op == Synapse(1) for n in synapses):
        return False
    first, second = (graph.nodes[n.inputs[0]].type.domain for n in synapses)
    if second.kind != "spike" or first.kind not in ("spike", "graded"):
        return False
    if isinstance(node.op, Gate):
        bits = first.bound if first.kind == "graded" else 2
        return node.op.enables == 1 and node.op.shift == 0 and bits <= node.op.bits
    return first.kind == "spike" and _is_and(node)


def _is_and(node: Node) -> bool:
    """Whether a neuron fires exactly when two unit spikes meet: one alone stays below threshold and leaves nothing behind."""
    op = node.op
    if not isinstance(op, IntegerLif) or not is_plain(node) or op.micro or op.vth != 1:
        return False
    unit = 1 << op.decay_bits
    return op.du == unit - 1 and (unit - op.dv) << op.shift < unit
