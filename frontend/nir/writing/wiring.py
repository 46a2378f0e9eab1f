"""
What a written network is made of before it is a graph of NIR: nodes with their operands, sums as several edges.

nir refuses an edge that occurs twice; what is read twice goes through a node of its own that passes it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import nir

from frontend.nir.fresh import fresh
from frontend.nir.writing.said import Chain, Said, full, identity
from ir.graph import Graph
from ir.ops import Past

Edge = tuple[str, str]


@dataclass
class Wiring:
    """
    Nodes and edges of NIR, made from the IR node by node.

    said: IR node -> what it is in NIR; those that are absent are extension nodes, or `absorbed`: others do their work.
    operands: IR node -> values that it reads instead of its own. delays: whether back edges are Delay nodes; else they are bare
    edges, listed in `late`. taken: names in use. solid: sums that are nodes of their own.
    """

    graph: Graph
    said: Mapping[str, Said]
    operands: Mapping[str, tuple[str, ...]]
    absorbed: frozenset[str]
    delays: bool
    taken: set[str]
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict[str, nir.NIRNode])
    edges: list[Edge] = field(default_factory=list[Edge])
    late: list[Edge] = field(default_factory=list[Edge])
    solid: set[str] = field(default_factory=set[str])
    _seen: set[Edge] = field(default_factory=set[Edge])

    def wire(self) -> None:
        """Make the nodes and edges of everything in `said`."""
        self._find_solid()
        for name in self.said:
            node = self.graph.nodes[name]
            if isinstance(node.op, Past):
                self._past(name, node.op)
            elif self._is_node(name):
                self._node(name)

    def read_by(self, name: str) -> tuple[str, ...]:
        """The values that an IR node reads."""
        return self.operands.get(name, self.graph.nodes[name].inputs)

    def output(self, value: str, name: str) -> None:
        """An edge to an Output node."""
        for source, late in self._terms(value):
            self._edge(source, name, late, self.graph.nodes[value].type.shape)

    def _is_node(self, name: str) -> bool:
        return bool(self.said[name].trunk) or name in self.solid

    def _find_solid(self) -> None:
        """Sums that need a node of their own: only what a node reads first may be a sum without changing its rounding."""
        roots = self._roots()
        self.solid.update(roots, self.graph.outputs.values())
        for name in self.graph.nodes.keys() - self.absorbed:
            direct = name in self.said and not self.said[name].branches
            self.solid.update(self.read_by(name)[1 if direct else 0 :])
        self.solid -= {name for name in self.solid - roots if self._width(name) == 1}

    def _roots(self) -> set[str]:
        """Values that must be nodes even where they are a single wire."""
        others = self.graph.nodes.keys() - self.said.keys() - self.absorbed
        outside = (value for name in others for value in self.graph.nodes[name].inputs)
        past = (node.op.of for node in self.graph.loops if isinstance(node.op, Past))
        return {*outside, *past}

    def _width(self, name: str) -> int:
        """How many edges a value is, where it has no node of its own."""
        if name not in self.said or self.said[name].trunk or isinstance(self.graph.nodes[name].op, Past):
            return 1
        return sum(self._width(value) for value in self.read_by(name))

    def _terms(self, name: str) -> list[tuple[str, bool]]:
        """The nodes that add up to a value, and whether each is read one step late."""
        op = self.graph.nodes[name].op
        if name not in self.said:
            return [(name, False)]
        if isinstance(op, Past):
            return [(name, False)] if self._has_delay(op) else [(op.of, True)]
        if self._is_node(name):
            return [(name, False)]
        return [term for value in self.read_by(name) for term in self._terms(value)]

    def _has_delay(self, op: Past) -> bool:
        return self.delays or op.steps != 1

    def _past(self, name: str, op: Past) -> None:
        if self._has_delay(op):
            shape = self.graph.nodes[name].type.shape
            self.nodes[name] = nir.Delay(full(op.steps, shape, self.graph.dtype))
            self.edges.append((op.of, name))

    def _node(self, name: str) -> None:
        said, shape = self.said[name], self.graph.nodes[name].type.shape
        trunk = said.trunk or (identity(shape, self.graph.dtype),)
        entry = self._chain(trunk, name)
        for place, value in enumerate(self.read_by(name)):
            branch = said.branches[place] if said.branches else ()
            target, reached = entry, self.graph.nodes[value].type.shape
            if branch:
                end = self._fresh(f"{name}.from.{place}")
                target = self._chain(branch, end)
                self.edges.append((end, entry))
            for source, late in self._terms(value):
                self._edge(source, target, late, reached)

    def _chain(self, chain: Chain, name: str) -> str:
        """Add nodes one after another, the last called `name`; the name of the first."""
        names = [self._fresh(f"{name}.in") for _ in chain[1:]] + [name]
        self.nodes.update(zip(names, chain, strict=True))
        self.edges += pairwise(names)
        return names[0]

    def _edge(self, source: str, target: str, late: bool, shape: Sequence[int]) -> None:
        if (source, target) in self._seen:
            again = self._fresh(f"{target}.again")
            self.nodes[again] = identity(tuple(shape), self.graph.dtype)
            self.edges.append((again, target))
            target = again
        self.edges.append((source, target))
        self._seen.add((source, target))
        if late:
            self.late.append((source, target))

    def _fresh(self, name: str) -> str:
        unique = fresh(name, self.taken)
        self.taken.add(unique)
        return unique
