"""
Our own front door for NIR: files and graphs in memory -> a validated, flat network with all shapes.

Both ways go through the same checks; nothing valid is refused, nothing defective accepted. What a file does not say (time step,
integrator, kind of reset) is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import nir

from frontend.nir.reading.batch_axes import infer_shapes_without_batch
from frontend.nir.reading.flatten import Edge, flatten, without_wires
from frontend.nir.reading.load import load
from frontend.nir.reading.network import NirNetwork, NirNode, Shape
from frontend.nir.reading.node_check import CheckedNode
from frontend.nir.reading.raw import RawGraph, raw_graph
from frontend.nir.reading.reach import check_fed, check_loops, check_ports, influential
from ir.errors import CompileError


def read_network(path: str | Path) -> NirNetwork:
    """
    The network in a NIR file.

    Raises:
        CompileError: naming the file, and the node and edge where there is one.
    """
    return checked_network(load(path), str(path))


def network_of(graph: nir.NIRGraph) -> NirNetwork:
    """
    The network of a NIR graph in memory, which is left as it is.

    Raises:
        CompileError: naming the node and edge that is wrong.
    """
    try:
        raw = raw_graph(graph)
    except (AttributeError, TypeError, ValueError) as error:
        raise CompileError("nir.parameter", f"the graph is not built as nir builds it: {error}") from error
    return checked_network(raw, "")


def checked_network(graph: RawGraph, where: str) -> NirNetwork:
    """
    The network that a raw graph describes.

    Raises:
        CompileError: with `where`, for everything that is not valid NIR or has no certain meaning.
    """
    try:
        return _checked_network(graph)
    except CompileError as error:
        raise CompileError(error.rule, error.what, where=where, hint=error.hint) from error


def _checked_network(graph: RawGraph) -> NirNetwork:
    """Flat, with shapes, ports, ends and loops checked in this order, and without what influences nothing."""
    flat, (inputs, outputs), remarks = infer_shapes_without_batch(flatten(graph))
    check_ports(flat)
    edges = without_wires(flat)
    nodes = {name: flat.nodes[name] for name in sorted(flat.nodes) if name not in flat.wires}
    _check_ends(nodes)
    check_loops(nodes, edges)
    names = influential(nodes, edges)
    check_fed(nodes, edges, names)
    nir_nodes = {
        name: _nir_node(name, node, inputs.get(name), outputs.get(name), edges)
        for name, node in nodes.items()
        if name in names
    }
    return NirNetwork(
        nodes=nir_nodes,
        edges=tuple(edge for edge in edges if edge[0] in names and edge[1] in names),
        metadata=graph.metadata,
        inputs=tuple(name for name, node in nir_nodes.items() if node.kind == "Input"),
        outputs=tuple(name for name, node in nir_nodes.items() if node.kind == "Output"),
        version=graph.version,
        remarks=(
            *(("shape", node, text) for node, text in remarks),
            *_forgotten(graph, nodes, edges, names, {node for node, _ in remarks}),
        ),
    )


def _forgotten(
    graph: RawGraph, nodes: Mapping[str, CheckedNode], edges: tuple[Edge, ...], names: Set[str], told: Set[str]
) -> Iterator[tuple[str, str, str]]:
    """Remarks on what is written twice, what leads nowhere, and inputs that do not say what they take."""
    levels = [graph]
    for level in levels:
        levels += [item for item in level.nodes.values() if isinstance(item, RawGraph)]
        for (start, end), times in Counter(level.edges).items():
            if times > 1:
                yield "edge", end, f"the edge from {start} is written {times} times, and counts as often"
    starts = {start for start, _ in edges}
    for name, node in nodes.items():
        if name not in names or (node.kind == "Input" and name not in starts):
            yield "unlinked", name, "it leads to no Output, and is left out"
        elif node.kind == "Input" and node.input_shape is None and name not in told:
            yield "shape", name, "it has no shape, which is taken from what it feeds"


def _check_ends(nodes: dict[str, CheckedNode]) -> None:
    kinds = {node.kind for node in nodes.values()}
    if "Output" not in kinds:
        raise CompileError("nir.output", "the graph has no Output node", hint="an Output node says what to compute")
    if "Input" not in kinds:
        raise CompileError("nir.input", "the graph has no Input node", hint="a network is driven through an Input node")


def _nir_node(
    name: str, node: CheckedNode, input_shape: Shape | None, output_shape: Shape | None, edges: tuple[Edge, ...]
) -> NirNode:
    """A node in its final form; CompileError where nothing tells its shape."""
    if input_shape is None or output_shape is None:
        place = next((f", read by edge {edge}" for edge in edges if edge[0] == name), "")
        place = next((f", fed by edge {edge}" for edge in edges if edge[1] == name), place)
        raise CompileError(
            "nir.infer",
            f"the shape of node {name} ({node.kind}){place} cannot be inferred",
            hint="store the shape of the Input nodes, or input_shape of the convolution",
        )
    params = node.primitive.finish(node.params, input_shape)
    return NirNode(node.kind, params, node.metadata, input_shape, output_shape)
