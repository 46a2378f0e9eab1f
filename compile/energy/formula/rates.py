"""Firing rates of a source network, counted while the interpreter runs it; batches add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from compile.energy.formula.operations import operations
from ir.graph import Array, Graph, Node
from ir.types import Type


@dataclass(frozen=True)
class Rate:
    """What a value did. Elements are counted per step and sample, once per window where the value is static."""

    active: int
    """Elements that were not zero."""
    spikes: int
    """An element of value n is n spikes."""
    elements: int
    """All that there were."""
    active_of: Array = field(default_factory=lambda: np.zeros(0, np.int64), compare=False, repr=False)
    """int64 (*shape): how often each element was not zero."""

    def __add__(self, other: Rate) -> Rate:
        active_of = self.active_of + other.active_of
        return Rate(self.active + other.active, self.spikes + other.spikes, self.elements + other.elements, active_of)

    @property
    def firing(self) -> Fraction:
        """The firing rate of the papers' formula: the fraction of active elements."""
        return Fraction(self.active, self.elements)

    @property
    def mean(self) -> Fraction:
        """Mean spikes per element; above `firing` where residual sums exceed 1."""
        return Fraction(self.spikes, self.elements)


Rates = Mapping[str, Rate]


class RateMeter:
    """
    Counts the operands of weighted operations, and neurons; pass it to `interpret` as `watch`.

    meter = RateMeter(graph); interpret(graph, inputs, watch=meter); meter.rates
    """

    def __init__(self, graph: Graph) -> None:
        self._watched = {name for operation in operations(graph) for name in operation.operands}
        self._watched |= {node.name for node in graph.nodes.values() if node.op.family == "neuron"}
        self._rates: dict[str, Rate] = {}

    @property
    def rates(self) -> Rates:
        """Value name -> what it did so far."""
        return dict(self._rates)

    def __call__(self, node: Node, value: Any) -> None:
        """Count one value of one batch: an array (T or 1, B, *shape)."""
        if node.name in self._watched:
            rate, before = count(value, node.type), self._rates.get(node.name)
            self._rates[node.name] = rate if before is None else before + rate


def count(value: Any, kind: Type) -> Rate:
    """The activity of one array. Exact: only comparisons are summed, as integers."""
    xp = array_namespace(value)
    active_of = np.asarray(xp.sum(value != 0, axis=(0, 1)))
    above = (int(xp.sum(value > least)) for least in range(1, kind.domain.bound if kind.domain.kind == "count" else 1))
    active = int(active_of.sum())
    return Rate(active, active + sum(above), value.shape[0] * value.shape[1] * kind.size, active_of)
