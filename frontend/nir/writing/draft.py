"""
A NIR graph under construction: nodes with their operands, sums as several edges.

nir refuses an edge that occurs twice; what is read twice goes through a node of its own that passes it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import nir

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.writing.fragments import Chain, NirFragment, full, identity
from ir.graph import Graph, free_name
from ir.ops import Past

Edge = tuple[str, str]


@dataclass(frozen=True)
class StandardCoverage:
    """What of a graph standard NIR can say, and how; the rest are extension nodes."""

    fragments: Mapping[str, NirFragment]
    """IR node -> what it is in NIR, in the order of the graph."""
    operands: Mapping[str, tuple[str, ...]]
    """IR node -> values that it reads instead of its own."""
    absorbed: frozenset[str]
    """IR nodes whose work others do."""
    semantics: Semantics
    """How the neurons among them are to be read."""


@dataclass
class NirDraft:
    """Nodes and edges of NIR, made from the IR node by node."""

    graph: Graph
    coverage: StandardCoverage
    delays: bool
    """Whether back edges of one step are Delay nodes; else they are bare edges, listed in `late`."""
    taken: set[str]
    """Names in use."""
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict[str, nir.NIRNode])
    edges: list[Edge] = field(default_factory=list[Edge])
    late: list[Edge] = field(default_factory=list[Edge])
    solid: set[str] = field(default_factory=set[str])
    """Sums that are nodes of their own."""
    _joined: set[Edge] = field(default_factory=set[Edge])

    def add_standard(self) -> None:
        """Make the nodes and edges of everything that standard NIR can say."""
        self._find_solid()
        for name in self.coverage.fragments:
            node = self.graph.nodes[name]
            if isinstance(node.op, Past):
                self._past(name, node.op)
            elif self._is_node(name):
                self._node(name)

    def add_extension(self, name: str, extension: nir.NIRNode) -> None:
        """A node that standard NIR cannot say, with its operands."""
        self.nodes[name] = extension
        self.edges += [(source, name) for source in dict.fromkeys(self.graph.nodes[name].inputs)]

    def add_output(self, value: str, name: str, output: nir.NIRNode) -> None:
        """An Output node that reads a value."""
        self.nodes[name] = output
        for source, late in self._terms(value):
            self._edge(source, name, late, self.graph.nodes[value].type.shape)

    def _operands(self, name: str) -> tuple[str, ...]:
        """The values that an IR node reads."""
        return self.coverage.operands.get(name, self.graph.nodes[name].inputs)

    def _is_node(self, name: str) -> bool:
        return bool(self.coverage.fragments[name].trunk) or name in self.solid

    def _find_solid(self) -> None:
        """Sums that need a node of their own: only what a node reads first may be a sum without changing its rounding."""
        fragments, roots = self.coverage.fragments, self._roots()
        self.solid.update(roots, self.graph.outputs.values())
        for name in self.graph.nodes.keys() - self.coverage.absorbed:
            direct = name in fragments and not fragments[name].branches
            self.solid.update(self._operands(name)[1 if direct else 0 :])
        self.solid -= {name for name in self.solid - roots if self._width(name) == 1}

    def _roots(self) -> set[str]:
        """Values that must be nodes even where they are a single wire."""
        extensions = self.graph.nodes.keys() - self.coverage.fragments.keys() - self.coverage.absorbed
        outside = (value for name in extensions for value in self.graph.nodes[name].inputs)
        past = (node.op.of for node in self.graph.loops if isinstance(node.op, Past))
        return {*outside, *past}

    def _width(self, name: str) -> int:
        """How many edges a value is, where it has no node of its own."""
        fragment = self.coverage.fragments.get(name)
        if fragment is None or fragment.trunk or isinstance(self.graph.nodes[name].op, Past):
            return 1
        return sum(self._width(value) for value in self._operands(name))

    def _terms(self, name: str) -> list[tuple[str, bool]]:
        """The nodes that add up to a value, and whether each is read one step late."""
        op = self.graph.nodes[name].op
        if name not in self.coverage.fragments:
            return [(name, False)]
        if isinstance(op, Past):
            return [(name, False)] if self._has_delay(op) else [(op.of, True)]
        if self._is_node(name):
            return [(name, False)]
        return [term for value in self._operands(name) for term in self._terms(value)]

    def _has_delay(self, op: Past) -> bool:
        return self.delays or op.steps != 1

    def _past(self, name: str, op: Past) -> None:
        if self._has_delay(op):
            shape = self.graph.nodes[name].type.shape
            self.nodes[name] = nir.Delay(full(op.steps, shape, self.graph.dtype))
            self.edges.append((op.of, name))

    def _node(self, name: str) -> None:
        """The chains of a fragment, and edges from all that its operands are the sum of."""
        fragment, shape = self.coverage.fragments[name], self.graph.nodes[name].type.shape
        trunk = fragment.trunk or (identity(shape, self.graph.dtype),)
        entry = self._chain(trunk, name)
        for place, value in enumerate(self._operands(name)):
            branch = fragment.branches[place] if fragment.branches else ()
            target = entry
            if branch:
                end = self._free_name(f"{name}.from.{place}")
                target = self._chain(branch, end)
                self.edges.append((end, entry))
            for source, late in self._terms(value):
                self._edge(source, target, late, self.graph.nodes[value].type.shape)

    def _chain(self, chain: Chain, name: str) -> str:
        """Add nodes one after another, the last called `name`; the name of the first."""
        names = [self._free_name(f"{name}.in") for _ in chain[1:]] + [name]
        self.nodes.update(zip(names, chain, strict=True))
        self.edges += pairwise(names)
        return names[0]

    def _edge(self, source: str, target: str, late: bool, shape: Sequence[int]) -> None:
        """An edge that carries values of `shape`; the second one between two nodes goes through a node that passes it on."""
        if (source, target) in self._joined:
            again = self._free_name(f"{target}.again")
            self.nodes[again] = identity(tuple(shape), self.graph.dtype)
            self.edges.append((again, target))
            target = again
        self.edges.append((source, target))
        self._joined.add((source, target))
        if late:
            self.late.append((source, target))

    def _free_name(self, name: str) -> str:
        """A name that is not in use, which it is from now on."""
        unique = free_name(name, self.taken)
        self.taken.add(unique)
        return unique
