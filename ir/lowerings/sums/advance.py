"""A sum on its way: what it is over, and the nodes that take the place of those that it moves before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import fsum, prod

import numpy as np

from ir.graph import Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Scale, Sum, TimeSum, TimeWeight
from ir.ops.base import Op


@dataclass(frozen=True)
class Summed:
    """What is summed over. The axes stay, with length 1."""

    axes: frozenset[int] = frozenset()
    steps: tuple[float, ...] = ()
    """What every step counts; () where steps stay."""

    def times(self, shape: tuple[int, ...]) -> float:
        """How often a constant counts that every element of `shape` has at every step."""
        return prod(shape[axis] for axis in self.axes) * (fsum(self.steps) if self.steps else 1.0)


@dataclass(frozen=True)
class Advance:
    """One sum on its way."""

    rewriter: Rewriter
    rules: Mapping[type[Op], Rule]
    """For linear operations."""
    made: dict[tuple[str, Summed], str] = field(default_factory=dict[tuple[str, Summed], str])
    """(value, what it is summed over) -> the sum."""

    def of(self, name: str, summed: Summed) -> str:
        """The sum of a value of the old graph."""
        node = self.rewriter.graph.nodes[name]
        summed = replace(summed, axes=frozenset(axis for axis in summed.axes if node.type.shape[axis] > 1))
        if summed == Summed():
            return self.rewriter.values[name]
        if (name, summed) not in self.made:
            self.made[name, summed] = self._made(node, summed)
        return self.made[name, summed]

    def _made(self, node: Node, summed: Summed) -> str:
        if node.type.static and summed.steps:
            return self.add(node, Scale(fsum(summed.steps)), self.of(node.name, replace(summed, steps=())))
        rule = self.rules.get(type(node.op))
        value = rule(self, node, summed) if rule else None
        if rule and value is None and summed.steps:
            value = rule(self, node, replace(summed, axes=frozenset()))
            value = self._over_axes(node, value, summed) if value is not None else None
        return value if value is not None else self._of_last(node, summed)

    def _of_last(self, node: Node, summed: Summed) -> str:
        """The sum of what is no linear operation: over features first, which leaves spikes whole numbers."""
        value = self._over_axes(node, self.rewriter.values[node.name], summed)
        if not summed.steps:
            return value
        if set(summed.steps) != {1.0}:
            weight = np.array(summed.steps, self.rewriter.graph.dtype)
            params = {"weight": self.rewriter.builder.param(f"{node.name}.steps", weight)}
            value = self.add(node, TimeWeight(), value, params=params)
        return self.add(node, TimeSum(), value)

    def _over_axes(self, node: Node, value: str, summed: Summed) -> str:
        return self.add(node, Sum(tuple(sorted(summed.axes))), value) if summed.axes else value

    def scaled(self, node: Node, value: str, factor: float) -> str:
        """A value times a factor."""
        return value if factor == 1 else self.add(node, Scale(factor), value)

    def times(self, node: Node, roles: tuple[str, ...], factor: float) -> dict[str, str]:
        """A node's parameters, those of some roles times a factor."""
        params, builder = dict(node.params), self.rewriter.builder
        for role in roles:
            if role in params and factor != 1:
                array = self.rewriter.graph.params[params[role]]
                wide = array.astype(np.float64) * factor
                params[role] = builder.param(f"{params[role]}.times", wide.astype(array.dtype))
        return params

    def add(self, node: Node, op: Op, *values: str, params: Mapping[str, str] | None = None) -> str:
        """A node in the new graph that stands for one of the old."""
        provenance = node.provenance.after(self.rewriter.pass_name)
        return self.rewriter.builder.add(op, *values, name=f"{node.name}_total", params=params, provenance=provenance)


Rule = Callable[[Advance, Node, Summed], "str | None"]
"""(the way, a node, what is summed over) -> the sum of the node, from sums of what it reads; None where they do not commute."""
