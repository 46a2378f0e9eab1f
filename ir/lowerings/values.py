"""
What a value is while it is being lowered: spike populations, or a current that no neuron has taken yet.

Projections stay unbuilt until a neuron needs them. So a factor can still go into the weights, a residual sum can still
give each of its populations a projection of its own, and every projection that is built feeds one population, or the levels
of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ir.graph import Array, Provenance
from ir.ops.base import Op


@dataclass(frozen=True)
class Spikes:
    """The sum of spike or graded populations of one shape; usually of just one."""

    parts: tuple[str, ...]
    """Values of the lowered graph."""


@dataclass(frozen=True)
class Wire:
    """A projection that is not built yet: factor x op(source), then routing on the current."""

    source: str
    """The population that it reads, as a value of the lowered graph."""
    op: Op
    name: str
    """Of the node that it will become."""
    provenance: Provenance
    """Of the node that it will become."""
    weight: str | None = None
    """Parameter that holds the matrix of a linear map, or the kernels of a convolution."""
    factor: float = 1.0
    routes: tuple[Op, ...] = ()

    def routed(self, op: Op) -> Wire:
        """The same wire with one more routing operation on its current."""
        return replace(self, routes=(*self.routes, op))


@dataclass(frozen=True, eq=False)
class Current:
    """The sum of the currents of some wires and of a constant."""

    shape: tuple[int, ...]
    wires: tuple[Wire, ...]
    bias: Array | None = None
    """The constant, broadcastable to the shape."""

    def scaled(self, factor: float) -> Current:
        """factor x this current."""
        wires = tuple(replace(wire, factor=wire.factor * factor) for wire in self.wires)
        bias = None if self.bias is None else (self.bias * factor).astype(self.bias.dtype)
        return Current(self.shape, wires, bias)


@dataclass(frozen=True)
class PendingProduct:
    """factor x left @ right of two spike populations, waiting for the matrix product that reads it."""

    left: str
    right: str
    factor: float
    name: str
    """Of the node of this product in the source graph."""
    provenance: Provenance


@dataclass(frozen=True)
class Complement:
    """1 - part: the spikes that a population does not fire. It is no population yet."""

    part: str
    name: str
    """Of the node that negates."""
    provenance: Provenance
    """Of the node that negates."""


LoweredValue = Spikes | Current | PendingProduct | Complement


def narrowest(bias: Array) -> Array:
    """
    The array with every axis cut to length 1 along which it is constant.

    >>> narrowest(np.broadcast_to(np.array([1.0, 2.0]), (3, 2)))
    array([[1., 2.]])
    """
    for axis in range(bias.ndim):
        first = bias.take([0], axis)
        bias = first if np.array_equal(np.broadcast_to(first, bias.shape), bias) else bias
    return np.asarray(bias, order="C")


def per_channel(factors: Array, read: Array, axis: int) -> Array | None:
    """
    One factor per element of an axis; None where they change along others. Those of what is not `read` may be any.

    >>> per_channel(np.array([[2.0, 2.0], [3.0, 1.0]]), np.array([[True, True], [True, False]]), 0)
    array([2., 3.])
    """
    rows, used = (np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1) for each in (factors, read))
    first = rows[np.arange(len(rows)), used.argmax(1)]
    return first if bool(((rows == first[:, None]) | ~used).all()) else None


def routed_bias(bias: Array, shape: tuple[int, ...], op: Op) -> Array:
    """What a routing operation makes of a constant that broadcasts against `shape`."""
    full = np.broadcast_to(bias, shape)[None, None]
    return narrowest(np.asarray(op.run((full,), {}, 1))[0, 0])


def summed_bias(biases: list[Array | None]) -> Array | None:
    """The sum of the constants, None where there is none."""
    constants = [bias for bias in biases if bias is not None]
    return sum(constants[1:], constants[0]) if constants else None
