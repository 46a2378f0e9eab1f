"""
The shapes of all values of a flat graph, loops included: what parameters fix spreads along the edges until nothing changes.

First forwards from everything known, then backwards where that is certain, and at last with the shapes that hold if nothing
else says more (a population of single values). Every edge and node is checked afterwards; nothing is broadcast silently.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

from frontend.nir.reading.flatten import Edge, FlatGraph
from frontend.nir.reading.network import Shape
from frontend.nir.reading.node_check import CheckedNode
from frontend.nir.reading.values import checked_shape
from ir.errors import CompileError


class _Inference:
    """The shapes learnt so far, each once: what every node takes and makes."""

    def __init__(self, graph: FlatGraph) -> None:
        self.nodes = graph.nodes
        self.inputs: dict[str, Shape] = {}
        self.outputs: dict[str, Shape] = {}
        self.readers: dict[str, list[str]] = defaultdict(list)
        self.writers: dict[str, list[str]] = defaultdict(list)
        for start, end in graph.edges:
            self.readers[start].append(end)
            self.writers[end].append(start)
        self.changed: deque[str] = deque()

    def learn(self, table: dict[str, Shape], name: str, shape: Shape | None) -> None:
        if shape is not None and name not in table:
            table[name] = checked_shape(shape)
            self.changed.append(name)

    def spread(self, backwards: bool) -> None:
        """Apply every rule until nothing new is learnt."""
        while self.changed:
            name = self.changed.popleft()
            try:
                self._apply(name, backwards)
            except CompileError as error:
                raise CompileError(error.rule, f"{self.where(name)}: {error.what}", hint=error.hint) from error

    def _apply(self, name: str, backwards: bool) -> None:
        """What the shapes of a node tell about its other shape, and about its neighbours."""
        node = self.nodes[name]
        rules, params = node.primitive.shapes, node.params
        if name in self.inputs and name not in self.outputs:
            self.learn(self.outputs, name, rules.forward(params, self.inputs[name]))
        if backwards and name in self.outputs and name not in self.inputs:
            self.learn(self.inputs, name, rules.backward(params, self.outputs[name]))
        if name in self.outputs:
            for reader in self.readers[name]:
                self.learn(self.inputs, reader, self.outputs[name])
        if backwards and name in self.inputs:
            for writer in self.writers[name]:
                self.learn(self.outputs, writer, self.inputs[name])

    def where(self, name: str) -> str:
        edge = f", fed by edge {(self.writers[name][0], name)}" if self.writers[name] else ""
        return f"node {name} ({self.nodes[name].kind}){edge}"


def infer_shapes(graph: FlatGraph) -> tuple[Mapping[str, Shape], Mapping[str, Shape]]:
    """
    Input and output shapes by node; nodes whose shape nothing tells are missing.

    Raises:
        CompileError: naming node and edge where two shapes contradict each other.
    """
    state = _Inference(graph)
    for name, node in graph.nodes.items():
        state.learn(state.inputs, name, node.input_shape)
        state.learn(state.outputs, name, node.output_shape)
    state.spread(backwards=False)
    state.changed.extend(graph.nodes)
    state.spread(backwards=True)
    for name, shape in _fallbacks(graph):
        state.learn(state.inputs, name, shape)
        state.spread(backwards=True)
    _check(graph.nodes, graph.edges, state)
    return state.inputs, state.outputs


def _fallbacks(graph: FlatGraph) -> list[tuple[str, Shape]]:
    """Shapes of single values; one that has axes says more than one that has none."""
    shapes = ((name, node.primitive.shapes.fallback(node.params)) for name, node in graph.nodes.items())
    return sorted(((name, shape) for name, shape in shapes if shape is not None), key=lambda item: -len(item[1]))


def _check(nodes: Mapping[str, CheckedNode], edges: tuple[Edge, ...], state: _Inference) -> None:
    """Every node does to its input shape what it says, and every edge joins equal shapes."""
    results: dict[str, Shape] = {}
    for name, node in nodes.items():
        if name in state.inputs:
            try:
                results[name] = checked_shape(node.primitive.shapes.forward(node.params, state.inputs[name]))
            except CompileError as error:
                raise CompileError(error.rule, f"{state.where(name)}: {error.what}", hint=error.hint) from error
    for start, end in edges:
        output_shape, input_shape = results.get(start, state.outputs.get(start)), state.inputs.get(end)
        if output_shape is not None and input_shape is not None and output_shape != input_shape:
            kinds = f"{start} ({nodes[start].kind}) gives {output_shape}, {end} ({nodes[end].kind}) takes {input_shape}"
            raise CompileError(
                "nir.shape",
                f"edge {(start, end)} joins different shapes: {kinds}",
                hint=_hint(output_shape, input_shape),
            )
    for name, shape in results.items():
        if shape != state.outputs[name]:
            raise CompileError(
                "nir.shape", f"node {name} ({nodes[name].kind}) gives {shape}, its record says {state.outputs[name]}"
            )


def _hint(output_shape: Shape, input_shape: Shape) -> str:
    if output_shape[1:] == input_shape or output_shape == input_shape[1:]:
        return "NIR shapes have no batch and no time axis"
    return "shapes are joined as they are, without broadcasting"
