"""Firing rates of a source network, counted while the interpreter runs it; batches add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from array_api_compat import array_namespace

from compile.energy.operations import operations
from ir.graph import Graph, Node
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

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.active + other.active, self.spikes + other.spikes, self.elements + other.elements)

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
    Counts the operands of weighted operations; pass it to `interpret` as `watch`.

    meter = RateMeter(graph); interpret(graph, inputs, watch=meter); meter.rates
    """

    def __init__(self, graph: Graph) -> None:
        self._watched = {name for operation in operations(graph) for name in operation.operands}
        self._rates: dict[str, Rate] = {}

    @property
    def rates(self) -> Rates:
        """Value name -> what it did so far."""
        return dict(self._rates)

    def __call__(self, node: Node, value: Any) -> None:
        """Count one value of one batch: an array (T or 1, B, *shape)."""
        if node.name in self._watched:
            self._rates[node.name] = self._rates.get(node.name, Rate(0, 0, 0)) + count(value, node.type)


def count(value: Any, kind: Type) -> Rate:
    """The activity of one array. Exact: only comparisons are summed, as integers."""
    xp = array_namespace(value)
    active = int(xp.sum(value != 0))
    above = (int(xp.sum(value > least)) for least in range(1, kind.domain.bound if kind.domain.kind == "count" else 1))
    return Rate(active, active + sum(above), value.shape[0] * value.shape[1] * kind.size)
