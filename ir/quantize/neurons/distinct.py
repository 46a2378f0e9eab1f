"""The neurons of a population, which may differ in their constants: every distinct one is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.quantize.neurons.normalize import as_neuron, exact_constants, normalized_membrane
from ir.quantize.neurons.normalized import NormalizedMembrane

MembraneUnits = tuple[float | Array, float | Array]
"""Real values of one unit of a membrane and of its zero; arrays, which broadcast to the population, where its neurons differ."""


@dataclass(frozen=True)
class DistinctNeurons:
    """The neurons of a population by their constants."""

    members: tuple[NormalizedMembrane, ...]
    index: Array
    """Which of the members each neuron is; broadcasts to the population's shape."""

    def per_neuron(self, number: Callable[[NormalizedMembrane], Any]) -> Array:
        """A number of every neuron, of the shape of `index`."""
        return np.array([number(member) for member in self.members])[self.index]

    def in_units(self, unit: Fraction) -> MembraneUnits:
        """(real value of so much of U, real value of U = 0): numbers where all neurons share them, else arrays."""
        return self._shared(lambda member: float(member.size * unit)), self._shared(lambda member: float(member.zero))

    def _shared(self, number: Callable[[NormalizedMembrane], float]) -> float | Array:
        """A number that all neurons share, or that of every neuron."""
        values = {number(member) for member in self.members}
        return values.pop() if len(values) == 1 else self.per_neuron(number)

    def largest(self, number: Callable[[NormalizedMembrane], Any]) -> Any:
        """The largest number of any neuron."""
        return max(number(member) for member in self.members)


def distinct_neurons(graph: Graph, node: Node) -> DistinctNeurons | None:
    """
    The distinct neurons of a float population; None where it has no membrane.

    Neurons without threshold share one size of U, because what they emit has one scale; their gains stay in the factor.
    """
    op = as_neuron(node).op
    if not isinstance(op, (Lif, Leaky)):
        return None
    rows, index = _distinct_rows({role: array for role, array in graph.arrays(node).items() if role != "bias"})
    size = None
    if isinstance(op, Leaky):
        size = max(abs(exact_constants(op, row)["input_gain"]) for row in rows) or Fraction(1)
    return DistinctNeurons(tuple(normalized_membrane(node, row, size) for row in rows), index)


def _distinct_rows(params: Mapping[str, Array]) -> tuple[list[dict[str, float]], Array]:
    """The constants of each distinct neuron, and which of them each neuron has."""
    if not params:
        return [{}], np.zeros((), np.int64)
    arrays = np.broadcast_arrays(*(np.asarray(array, np.float64) for array in params.values()))
    table, index = np.unique(np.stack([array.ravel() for array in arrays], axis=1), axis=0, return_inverse=True)
    return [dict(zip(params, row.tolist(), strict=True)) for row in table], index.reshape(arrays[0].shape)
