"""
A lowered network as plain NIR: no extension nodes, so that every framework that reads NIR can load and run it.

After lowering, a spikes-only network is made of synapses and threshold neurons, which standard NIR can say: populations
become vectors, everything between two of them one dense matrix (unit wires a bare edge), neurons `LIF` or `IF` with dt = 1.
Several edges into a node add up. Spiking attention thus runs where nothing but LIF and matrices is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import nir
import numpy as np

from frontend.links import Link, is_population, links, weights_by_source
from frontend.nir_standard import neuron
from frontend.strict_threshold import strict_threshold
from ir.graph import Array, Graph, Node
from ir.ops import Lif
from ir.types import Type

MAX_MATRIX_ELEMENTS = 1 << 25
"""All dense matrices together: 33.5 million weights, 128 MiB in float32."""


@dataclass(frozen=True)
class PlainNir:
    """A graph of standard nodes only, or the reason why there is none."""

    graph: nir.NIRGraph | None
    reason: str = ""


def plain_nir(graph: Graph) -> PlainNir:
    """
    A lowered floating-point network (level `synaptic`) in standard NIR.

    Inputs and outputs are vectors: the flattened values of the graph, in order. Neurons compare strictly, as NIR defines;
    their thresholds are lowered such that they fire as the source does, and say so in `metadata`.
    """
    reason = _obstacle(graph)
    if reason:
        return PlainNir(None, reason)
    readers = [node.inputs for node in _populations(graph) if isinstance(node.op, Lif)]
    readers += [(value,) for value in graph.outputs.values()]
    elements = sum(_elements(graph, link) for values in readers for link in links(graph, values))
    if elements > MAX_MATRIX_ELEMENTS:
        return PlainNir(None, f"its dense matrices would hold {elements:,} weights, more than {MAX_MATRIX_ELEMENTS:,}")
    return PlainNir(_built(graph))


def _elements(graph: Graph, link: Link) -> int:
    """The weights of a link's matrix, or of the largest one on the way to it."""
    return 0 if link.factor is not None else graph.nodes[link.source].type.size * link.widest


def _obstacle(graph: Graph) -> str:
    """Why a graph cannot be said in standard NIR; empty if it can."""
    for node in graph.nodes.values():
        if node.op.kind in ("graded", "gate", "burst", "loihi_lif") or (isinstance(node.op, Lif) and node.op.micro):
            return f"%{node.name} is a {node.op.kind} neuron; NIR's neurons emit spikes only, one per step"
        if isinstance(node.op, Lif) and node.op.reset != "value" and node.op.decay != 1:
            return f"%{node.name} resets by {node.op.reset}; NIR's neurons reset to a value"
        if node.op.family == "host" or (node.op.family == "tensor" and node.op.kind != "pad"):
            return f"%{node.name} is a {node.op.kind}, which is not lowered to synapses"
    return ""


def _populations(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if is_population(node)]


def _built(graph: Graph) -> nir.NIRGraph:
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    for node in _populations(graph):
        if isinstance(node.op, Lif):
            _add_neuron(graph, node, node.op, nodes, edges)
        else:
            nodes[node.name] = nir.Input(input_type={"input": np.array([node.type.size])})
            nodes[node.name].metadata = {"domain": "spike" if node.type.domain.kind == "spike" else "real"}
    for output, value in graph.outputs.items():
        _add_output(graph, output, value, nodes, edges)
    static = ", ".join(node.name for node in graph.inputs if node.type.static)
    metadata = {"generator": "spike-compiler plain", "dt": "1", "steps": str(graph.steps), "static_inputs": static}
    return nir.NIRGraph(nodes, edges, metadata=metadata)


def _add_output(
    graph: Graph, output: str, value: str, nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]]
) -> None:
    """An output with one edge: a sum of populations is added up in a node of its own, as not every reader sums at outputs."""
    size, sources = graph.nodes[value].type.size, weights_by_source(graph, (value,))
    name = output if output not in nodes else f"{output}_output"
    target = name if len(sources) == 1 else f"{name}.sum"
    _connect(sources, None, target, nodes, edges)
    if target != name:
        nodes[target] = nir.Linear(np.eye(size, dtype=np.float32))
        edges.append((target, name))
    nodes[name] = nir.Output(output_type={"output": np.array([size])})


def _add_neuron(graph: Graph, node: Node, op: Lif, nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]]) -> None:
    sources, bias = weights_by_source(graph, node.inputs), _bias(graph, node)
    on_spikes = all(graph.nodes[source].type.domain.kind == "spike" for source in sources)
    weights = [*map(np.asarray, sources.values()), *([] if bias is None else [bias])]
    threshold, exactness = strict_threshold(op, weights, graph.steps, on_spikes)
    made = neuron(replace(op, threshold=threshold, comparator=">"), Type((node.type.size,)))
    source = {"source_threshold": repr(op.threshold), "source_comparator": op.comparator, "threshold_is": exactness}
    made.metadata = {**made.metadata, **source, "module": node.where.module}
    _connect(sources, bias, node.name, nodes, edges)
    nodes[node.name] = made


def _bias(graph: Graph, node: Node) -> Array | None:
    arrays = graph.arrays(node)
    if "bias" not in arrays:
        return None
    return np.broadcast_to(arrays["bias"], node.type.shape).astype(np.float32).reshape(-1)


def _connect(
    sources: Mapping[str, Array | float],
    bias: Array | None,
    target: str,
    nodes: dict[str, nir.NIRNode],
    edges: list[tuple[str, str]],
) -> None:
    """Edges from every source, through weights unless they are all 1; the bias goes with the first matrix."""
    for source, weight in sorted(sources.items(), key=lambda item: not isinstance(item[1], np.ndarray)):
        if bias is None and not isinstance(weight, np.ndarray) and weight == 1:
            edges.append((source, target))
            continue
        name = f"{target}.from.{source}"
        nodes[name] = _weighting(weight, bias, nodes[source].output_type["output"][0])
        edges += [(source, name), (name, target)]
        bias = None


def _weighting(weight: Array | float, bias: Array | None, size: int) -> nir.NIRNode:
    """The node that weights a population of `size`: a factor per element or a matrix."""
    if not isinstance(weight, np.ndarray):
        factors = np.full(size, weight, np.float32)
        return nir.Scale(factors) if bias is None else nir.Affine(np.diag(factors), bias)
    return nir.Linear(weight) if bias is None else nir.Affine(weight, bias)
