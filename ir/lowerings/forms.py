"""
What a value is while it is being lowered: spike populations, or a current that no neuron has taken yet.

Projections stay unbuilt until a neuron needs them. So a factor can still go into the weights, a residual sum can still
give each of its populations a projection of its own, and every projection that is built feeds exactly one neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ir.graph import Array, Provenance
from ir.ops.base import Op


@dataclass(frozen=True)
class Spikes:
    """The sum of spike or graded populations of one shape, as values of the lowered graph; usually just one."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Wire:
    """
    A projection that is not built yet: factor x op(source), then routing on the current.

    name, where: of the node that it will become. weight: the matrix of a linear map or convolution, by parameter name.
    """

    source: str
    op: Op
    name: str
    provenance: Provenance
    weight: str | None = None
    factor: float = 1.0
    routes: tuple[Op, ...] = ()

    def routed(self, op: Op) -> Wire:
        """The same wire with one more routing operation on its current."""
        return replace(self, routes=(*self.routes, op))


@dataclass(frozen=True, eq=False)
class Current:
    """The sum of the wires' currents and a constant that broadcasts against the shape."""

    shape: tuple[int, ...]
    wires: tuple[Wire, ...]
    bias: Array | None = None

    def scaled(self, factor: float) -> Current:
        """factor x this current."""
        wires = tuple(replace(wire, factor=wire.factor * factor) for wire in self.wires)
        bias = None if self.bias is None else (self.bias * factor).astype(self.bias.dtype)
        return Current(self.shape, wires, bias)


@dataclass(frozen=True)
class Product:
    """factor x left @ right of two spike populations, waiting for the matrix product that reads it."""

    left: str
    right: str
    factor: float
    name: str
    provenance: Provenance


@dataclass(frozen=True)
class Complement:
    """1 - part, the spikes that a population does not fire; not a population yet. name, where: of the node that negates."""

    part: str
    name: str
    provenance: Provenance


Form = Spikes | Current | Product | Complement


def narrowest(bias: Array) -> Array:
    """
    The array with every axis cut to length 1 along which it is constant.

    >>> narrowest(np.broadcast_to(np.array([1.0, 2.0]), (3, 2)))
    array([[1., 2.]])
    """
    for axis in range(bias.ndim):
        first = bias.take([0], axis)
        bias = first if np.array_equal(np.broadcast_to(first, bias.shape), bias) else bias
    return np.ascontiguousarray(bias)
