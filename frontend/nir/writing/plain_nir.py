"""
A lowered network as plain NIR: no extension nodes, so that every framework that reads NIR can load and run it.

After lowering, a spikes-only network is made of synapses and threshold neurons, which standard NIR can say: populations
become vectors, everything between two of them one dense matrix (unit wires a bare edge), time counts in steps (dt = 1),
micro-steps become neurons of their own. Several edges into a node add up. Spiking attention thus runs where nothing but LIF and
matrices is known: docs/interoperability.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import nir

from frontend.nir.writing.allowed_semantics import CANONICAL, allowed_semantics, shared_semantics
from frontend.nir.writing.back_edges import are_read_late
from frontend.nir.writing.links import Link, is_population, links
from frontend.nir.writing.plain_build import PlainBuild
from frontend.nir.writing.populations import Population
from ir.graph import Graph, Node
from ir.ops import Burst, Delay, Leaky, Lif, Past

MAX_MATRIX_ELEMENTS = 1 << 25
"""All dense matrices together: 33.5 million weights, 128 MiB in float32."""


@dataclass(frozen=True)
class PlainNir:
    """A lowered network in standard NIR, as far as it can be said there."""

    graph: nir.NIRGraph | None
    """Of standard nodes only; None where there is none."""
    reason: str = ""
    """Why there is none."""


def plain_nir(graph: Graph) -> PlainNir:
    """
    A lowered floating-point network (level `synaptic`) in standard NIR.

    Inputs and outputs are vectors: the flattened values of the graph, in order. Neurons compare strictly, as NIR defines;
    their thresholds are lowered such that they fire as the source does, and say so in `metadata`. A loop of one step is a loop
    of edges where readers delay it in the right place, else it goes through a Delay.
    """
    reason = _obstacle(graph)
    if reason:
        return PlainNir(None, reason)
    elements = sum(_elements(graph, node) for node in graph.nodes.values() if is_population(node))
    elements += sum(_weights(graph, link) for value in graph.outputs.values() for link in links(graph, (value,)))
    if elements > MAX_MATRIX_ELEMENTS:
        return PlainNir(None, f"its dense matrices would hold {elements:,} weights, more than {MAX_MATRIX_ELEMENTS:,}")
    build = PlainBuild(graph, delays=False)
    network = build.network()
    if graph.loops and not are_read_late(network, build.late):
        network = PlainBuild(graph, delays=True).network()
    return PlainNir(network)


def _elements(graph: Graph, node: Node) -> int:
    """The weights of all matrices into a population."""
    ways = links(graph, node.reads)
    if not isinstance(node.op, Burst):
        return sum(_weights(graph, link) for link in ways)
    size = node.type.size // node.op.micro
    return sum(node.op.micro * (size * size if link.factor is not None else _weights(graph, link)) for link in ways)


def _weights(graph: Graph, link: Link) -> int:
    """The weights of a link's matrix, or of the largest one on the way to it."""
    return 0 if link.factor is not None else graph.nodes[link.source].type.size * link.widest


def _obstacle(graph: Graph) -> str:
    """Why a graph cannot be said in standard NIR; empty if it can."""
    if not graph.nodes:
        return "nothing of the network is left to the chip"
    for node in graph.nodes.values():
        if not node.type.size:
            return f"%{node.name} has no elements"
        if type(node.op) in (Lif, Leaky):
            reason = _unspeakable(graph, node)
            if reason:
                return reason
        elif node.op.family == "neuron" and not isinstance(node.op, Burst):
            what = f"%{node.name} is a {node.op.kind} neuron; NIR's neurons emit spikes or membranes, one per step"
            return f"{what} (attention=time-coded lowers an attention to spikes only)"
        elif node.op.family == "host" or (node.op.family == "tensor" and node.op.kind != "pad"):
            return f"%{node.name} is a {node.op.kind}, which is not lowered to synapses"
        elif isinstance(node.op, Delay | Past) and not node.type.shape:
            return f"%{node.name} is a {node.op.kind} without axes"
    return ""


def _unspeakable(graph: Graph, node: Node) -> str:
    """Why NIR's canonical reading has no such neuron; empty if it has."""
    op = node.op
    assert isinstance(op, Lif | Leaky)
    allowed = allowed_semantics(Population(op, graph.arrays(node), node.type.shape, graph.dtype))
    if allowed is None:
        return f"%{node.name} does not leak where NIR's neuron must, or has a negative decay"
    if shared_semantics({node.name: allowed})[0] == CANONICAL:
        return ""
    if isinstance(op, Lif) and op.reset != "value":
        return f"%{node.name} resets by {op.reset}; NIR's neurons reset to a value"
    what = ", ".join(option for option, values in allowed.items() if getattr(CANONICAL, option) not in values)
    return f"%{node.name} differs from NIR's neurons in {what}"
