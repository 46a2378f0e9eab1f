"""
The nodes and edges of a lowered network in plain NIR.

NIR has no time within a step: the micro-steps of a time-coded attention become space. What a burst and the neurons behind it do
at micro-step m does not depend on the other micro-steps, so that every micro-step gets neurons of its own: y[m] = [n > m] is a
threshold neuron on n - m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import nir
import numpy as np

from frontend.nir.meaning.semantics_statement import metadata_of
from frontend.nir.writing.allowed_semantics import CANONICAL
from frontend.nir.writing.fragments import full
from frontend.nir.writing.links import is_population, offset, weights_by_source
from frontend.nir.writing.populations import Population
from frontend.nir.writing.strict_threshold import strict_threshold
from ir.graph import Array, Graph, Node
from ir.ops import Burst, Delay, Lif, Past
from ir.ops.membrane import Membrane

Weights = Mapping[str, "Array | float"]
"""Population -> the weights by which it reaches a value: a matrix (targets x sources), or one factor."""
HALF = 0.5
"""Threshold of whole numbers: it does not matter whether a reader fires at it."""


class PlainBuild:
    """
    One attempt at a network.

    Args:
        delays: whether back edges of one step are Delay nodes; else they are edges, listed in `late` once the network is built.
    """

    def __init__(self, graph: Graph, delays: bool) -> None:
        self._graph, self._delays = graph, delays
        self._nodes: dict[str, nir.NIRNode] = {}
        self._edges: list[tuple[str, str]] = []
        self.late: list[tuple[str, str]] = []

    def network(self) -> nir.NIRGraph:
        """The whole graph of standard nodes; its metadata says what the numbers mean."""
        graph = self._graph
        for node in graph.nodes.values():
            if is_population(node):
                self._population(node)
        for output, value in graph.outputs.items():
            self._output(output, value)
        static = ", ".join(node.name for node in graph.inputs if node.type.static)
        about = {"generator": "spike-compiler plain", "steps": str(graph.steps), "dtype": graph.dtype}
        about |= {"static_inputs": static, **metadata_of(CANONICAL)}
        return nir.NIRGraph(self._nodes, self._edges, metadata=about, type_check=False)

    def _population(self, node: Node) -> None:
        """The nodes and edges of a neuron layer, a delay or an input."""
        if isinstance(node.op, Membrane):
            self._neuron(node, node.op)
        elif isinstance(node.op, Burst):
            self._burst(node, node.op)
        elif isinstance(node.op, Delay):
            steps = self._graph.arrays(node).get("steps", np.array(node.op.steps)).reshape(-1)
            self._delay(node, steps)
        elif isinstance(node.op, Past):
            if not self._is_bare(node):
                self._delay(node, np.array(node.op.steps))
        else:
            self._nodes[node.name] = nir.Input(input_type={"input": np.array([node.type.size])})
            self._nodes[node.name].metadata = {"domain": "spike" if node.type.domain.kind == "spike" else "real"}

    def _is_bare(self, node: Node) -> bool:
        """Whether a back edge is an edge from a population to its readers."""
        op = node.op
        bare = isinstance(op, Past) and op.steps == 1 and not self._delays
        return bare and isinstance(op, Past) and isinstance(self._graph.nodes[op.of].op, Membrane)

    def _delay(self, node: Node, steps: Array) -> None:
        """A Delay node, one number of steps per element or one for all."""
        self._connect(weights_by_source(self._graph, node.reads), offset(self._graph, node.reads), node.name)
        self._nodes[node.name] = nir.Delay(full(steps, (node.type.size,), self._graph.dtype))

    def _output(self, output: str, value: str) -> None:
        """An output with one edge: a sum of populations is added up in a node of its own, as not every reader sums at outputs."""
        size, sources = self._graph.nodes[value].type.size, weights_by_source(self._graph, (value,))
        name = self._free_name(output, "_output")
        target = name if len(sources) == 1 else self._free_name(f"{name}.sum", "_")
        self._connect(sources, offset(self._graph, (value,)), target)
        if target != name:
            self._nodes[target] = nir.Linear(np.eye(size, dtype=self._graph.dtype))
            self._edges.append((target, name))
        self._nodes[name] = nir.Output(output_type={"output": np.array([size])})

    def _free_name(self, name: str, suffix: str) -> str:
        """A name that no other node has or will have."""
        nodes = self._graph.nodes
        while name in self._nodes or (name in nodes and is_population(nodes[name])):
            name += suffix
        return name

    def _neuron(self, node: Node, op: Membrane) -> None:
        """A neuron layer; one that fires at its threshold gets a threshold for readers that fire above it."""
        graph, sources = self._graph, weights_by_source(self._graph, node.inputs)
        bias = self._bias(node, node.type.shape)
        arrays = {
            role: np.broadcast_to(array, node.type.shape).reshape(-1)
            for role, array in graph.arrays(node).items()
            if role != "bias"
        }
        about = {"module": node.provenance.module}
        if isinstance(op, Lif):
            about |= {"source_threshold": repr(op.threshold), "source_comparator": op.comparator}
        if isinstance(op, Lif) and op.is_basic(arrays) and op.comparator != ">":
            weights = [*map(np.asarray, sources.values()), *([] if bias is None else [bias])]
            on_spikes = self._on_spikes(sources)
            threshold, about["threshold_is"] = strict_threshold(op, weights, graph.steps, on_spikes, graph.dtype)
            op = replace(op, threshold=threshold, comparator=">")
        elif isinstance(op, Lif):
            strict = op.comparator == ">"
            about["threshold_is"] = "strict in the source" if strict else f"the next smaller {graph.dtype}"
        self._place(node, Population(op, arrays, (node.type.size,), graph.dtype, gates=False), sources, bias, about)

    def _burst(self, node: Node, op: Burst) -> None:
        """A memoryless neuron for every count and micro-step, one micro-step after another."""
        sources, bias = weights_by_source(self._graph, node.inputs), self._bias(node, node.type.shape[1:])
        size, dtype = node.type.size // op.micro, self._graph.dtype
        counts = np.zeros(size) if bias is None else bias
        tables = {
            name: weight if isinstance(weight, np.ndarray) else np.eye(size, dtype=dtype) * weight
            for name, weight in sources.items()
        }
        exact = self._on_spikes(sources) and all(
            (array == np.rint(array)).all() for array in (*tables.values(), counts)
        )
        neuron = Lif(decay=1.0, form="sum", threshold=HALF if exact else 0.0, comparator=">")
        copies = {name: np.tile(np.asarray(table, dtype), (op.micro, 1)) for name, table in tables.items()}
        less_micro_step = np.asarray(np.tile(counts, op.micro) - np.repeat(np.arange(op.micro), size), dtype)
        about = {"module": node.provenance.module, "threshold_is": "strict in the source"}
        population = Population(neuron, {}, (node.type.size,), dtype, gates=False)
        self._place(node, population, copies, less_micro_step, about)

    def _bias(self, node: Node, shape: tuple[int, ...]) -> Array | None:
        """What enters a population of `shape` without any spike, flat; None where nothing has a bias."""
        bias = self._graph.arrays(node).get("bias")
        flat = None if bias is None else np.broadcast_to(bias, shape).reshape(-1)
        return _sum(flat, offset(self._graph, node.inputs), self._graph.dtype)

    def _on_spikes(self, sources: Weights) -> bool:
        """Whether only spikes are weighted."""
        return all(self._graph.nodes[source].type.domain.kind == "spike" for source in sources)

    def _place(
        self, node: Node, population: Population, sources: Weights, bias: Array | None, about: Mapping[str, str]
    ) -> None:
        """A population with what enters it."""
        chain = population.nodes(CANONICAL)
        assert chain is not None  # its bias goes into the weights, so that none is too large
        names = [*(self._free_name(f"{node.name}.in", "_") for _ in chain[1:]), node.name]
        self._connect(sources, bias, names[0])
        self._nodes.update(zip(names, chain, strict=True))
        self._edges += pairwise(names)
        chain[-1].metadata = {**chain[-1].metadata, **about}

    def _connect(self, sources: Weights, bias: Array | None, target: str) -> None:
        """Edges from every source, through weights unless they are all 1; the bias goes with the first matrix."""
        timely = sorted(
            sources, key=lambda name: (self._is_bare(self._graph.nodes[name]), not _is_matrix(sources[name]))
        )
        for name in timely:
            node, weight = self._graph.nodes[name], sources[name]
            source = node.op.of if isinstance(node.op, Past) and self._is_bare(node) else name
            end = target
            if bias is not None or _is_matrix(weight) or weight != 1 or (source, target) in self._edges:
                end = self._free_name(f"{target}.from.{name}", "_")
                self._nodes[end] = self._weighting(weight, bias, node.type.size)
                self._edges.append((end, target))
                bias = None
            self._edges.append((source, end))
            if source != name:
                self.late.append((source, end))

    def _weighting(self, weight: Array | float, bias: Array | None, size: int) -> nir.NIRNode:
        """The node that weights a population of `size`: a factor per element or a matrix."""
        if isinstance(weight, np.ndarray):
            return nir.Linear(weight) if bias is None else nir.Affine(weight, bias)
        factors = full(weight, (size,), self._graph.dtype)
        return nir.Scale(factors) if bias is None else nir.Affine(np.diag(factors), bias)


def _is_matrix(weight: Array | float) -> bool:
    return isinstance(weight, np.ndarray)


def _sum(a: Array | None, b: Array | None, dtype: str) -> Array | None:
    """The sum of what there is, in `dtype`; None where there is nothing."""
    if a is not None and b is not None:
        return np.asarray(a + b, dtype)
    only = b if a is None else a
    return None if only is None else np.ascontiguousarray(only, dtype=dtype)
