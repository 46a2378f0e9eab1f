"""The neurons of a population by their constants: every distinct one worked out once, in exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.quantize.neuron import CONSTANTS, Membrane, input_gain, membrane_of


@dataclass(frozen=True)
class Kinds:
    """members: the distinct neurons of a population. index: which one each neuron is; broadcasts to the population's shape."""

    members: tuple[Membrane, ...]
    index: Array

    def each(self, number: Callable[[Membrane], Any]) -> Array:
        """A number of every neuron, of the shape of `index`."""
        return np.array([number(member) for member in self.members])[self.index]

    def most(self, number: Callable[[Membrane], Any]) -> Any:
        """The largest number of any neuron."""
        return max(number(member) for member in self.members)


def kinds_of(graph: Graph, node: Node) -> Kinds | None:
    """
    The distinct neurons of a real population; None where it has no membrane.

    Neurons without threshold share one size of U, because what they emit has one scale; their gains stay in the factor.
    """
    op = node.op
    if not isinstance(op, (Lif, Leaky)):
        return None
    own = {role: array for role, array in graph.arrays(node).items() if role != "bias"}
    rows, index = _distinct(own)
    size = None
    if isinstance(op, Leaky):
        gains = [abs(input_gain(op, _fractions(op, row))) for row in rows]
        size = max(gains) or Fraction(1)
    return Kinds(tuple(membrane_of(node, row, size) for row in rows), index)


def _distinct(own: Mapping[str, Array]) -> tuple[list[dict[str, float]], Array]:
    """The distinct neurons' own constants, and which each neuron has."""
    if not own:
        return [{}], np.zeros((), np.int64)
    arrays = np.broadcast_arrays(*(np.asarray(array, np.float64) for array in own.values()))
    table, index = np.unique(np.stack([array.ravel() for array in arrays], axis=1), axis=0, return_inverse=True)
    return [dict(zip(own, row.tolist(), strict=True)) for row in table], index.reshape(arrays[0].shape)


def _fractions(op: Lif | Leaky, row: Mapping[str, float]) -> dict[str, Fraction]:
    return {name: Fraction(value) for name, value in {**op.attributes(), **row}.items() if name in CONSTANTS}
