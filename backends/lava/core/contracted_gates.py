"""
Gates that are never materialised: populations that emit the product of two operands and are only ever summed.

Where the operands were expanded on the way, their sums are matrix products of what there was before: (Q K^T) V without its
N x N x D gates. How many gates were active is a sum of the same kind. `ir.analysis.and_gates` says which gates these are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ir.analysis.and_gates import contractible_gates
from ir.graph import Array, Graph


@dataclass(frozen=True)
class ContractedEmission:
    """The product a b that a population emits in a step, as its two factors."""

    a: Array
    """(1, lanes, *shape), of length 1 where it does not vary."""
    b: Array
    """(1, lanes, *shape), of length 1 where it does not vary."""
    shape: tuple[int, ...]
    """Of the population."""

    def summed(self, axes: tuple[int, ...], dtype: Any) -> Array:
        """The sum over `axes` of (1, lanes, *shape), kept with length 1, in `dtype`."""
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
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(full))
        return np.broadcast_to(total if copies == 1 else total * dtype(copies), shape)

    def active(self, samples: int) -> int:
        """How many elements are not zero, in the first lanes."""
        spikes = ContractedEmission(self.a[:, :samples] != 0, self.b[:, :samples] != 0, self.shape)
        return int(spikes.summed(tuple(range(2 + len(self.shape))), np.float64).item())


Emission = Array | ContractedEmission
"""What a population emits in a step."""


@dataclass(frozen=True)
class ContractedGate:
    """A population of `shape` that emits products; it has no state."""

    shape: tuple[int, ...]

    def step(self, a: Array, b: Array) -> ContractedEmission:
        """One step: unit currents (1, lanes, *shape) of a spike or payload, and of the spike that opens it."""
        return ContractedEmission(_without_copies(a), _without_copies(b), self.shape)


def contracted_gates(graph: Graph, recorded: Collection[str]) -> frozenset[str]:
    """The populations of an integer network that need not be materialised; of those `recorded`, single elements are asked for."""
    if graph.loops or not graph.is_integer:
        return frozenset()
    gates = contractible_gates(graph, recorded)
    return frozenset(name for name, gate in gates.items() if gate.has_unit_synapses and not gate.has_micro_steps)


def _contracted(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """The sum of a b over those of `axes` along which both vary, as one matrix product for each place of the shared others."""
    varies = [(a.shape[axis] > 1, b.shape[axis] > 1) for axis in range(a.ndim)]
    summed = [axis for axis, both in enumerate(varies) if all(both) and axis in axes]
    shared = [axis for axis, both in enumerate(varies) if all(both) and axis not in axes]
    rows = [axis for axis, (in_a, in_b) in enumerate(varies) if in_a and not in_b]
    columns = [axis for axis, (in_a, in_b) in enumerate(varies) if in_b and not in_a]
    left = a.transpose(_order(a.ndim, shared + rows + summed))
    right = b.transpose(_order(a.ndim, shared + summed + columns))
    size = {axis: max(a.shape[axis], b.shape[axis]) for axis in range(a.ndim)}
    many, high, deep, wide = (prod(size[axis] for axis in group) for group in (shared, rows, summed, columns))
    product = left.reshape(many, high, deep) @ right.reshape(many, deep, wide)
    order = _order(a.ndim, shared + rows + columns)
    placed = product.reshape([1 if axis in summed else size[axis] for axis in order])
    return placed.transpose(np.argsort(order))


def _order(rank: int, first: Sequence[int]) -> list[int]:
    return [*first, *(axis for axis in range(rank) if axis not in first)]


def _without_copies(value: Array) -> Array:
    """The value with every axis that was expanded (stride 0) cut to length 1; step and lanes stay."""
    return value[
        (slice(None), slice(None), *(slice(1) if stride == 0 else slice(None) for stride in value.strides[2:]))
    ]
