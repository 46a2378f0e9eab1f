"""A raw graph -> the validated, flat network with all shapes: the one way in, from files and from memory."""

from __future__ import annotations

from frontend.nir.reading.batch_axes import inferred
from frontend.nir.reading.checked import CheckedNode
from frontend.nir.reading.flatten import Edge, flattened, without_wires
from frontend.nir.reading.network import NirNetwork, NirNode, Shape
from frontend.nir.reading.raw import RawGraph
from frontend.nir.reading.reach import check_fed, check_loops, check_ports, influential
from ir.errors import CompileError


def network(graph: RawGraph, where: str) -> NirNetwork:
    """
    The network that a raw graph describes.

    Raises:
        CompileError: with `where`, for everything that is not valid NIR or has no certain meaning.
    """
    try:
        return _network(graph)
    except CompileError as error:
        raise CompileError(error.rule, error.what, where=where, hint=error.hint) from error


def _network(graph: RawGraph) -> NirNetwork:
    flat, (inputs, outputs), remarks = inferred(flattened(graph))
    check_ports(flat)
    edges = without_wires(flat)
    nodes = {name: flat.nodes[name] for name in sorted(flat.nodes) if name not in flat.wires}
    _check_ends(nodes)
    check_loops(nodes, edges)
    kept = influential(nodes, edges)
    check_fed(nodes, edges, kept)
    made = {
        name: _node(name, node, inputs.get(name), outputs.get(name), edges)
        for name, node in nodes.items()
        if name in kept
    }
    return NirNetwork(
        nodes=made,
        edges=tuple(edge for edge in edges if edge[0] in kept and edge[1] in kept),
        metadata=graph.metadata,
        inputs=tuple(name for name, node in made.items() if node.kind == "Input"),
        outputs=tuple(name for name, node in made.items() if node.kind == "Output"),
        version=graph.version,
        remarks=remarks,
    )


def _check_ends(nodes: dict[str, CheckedNode]) -> None:
    kinds = {node.kind for node in nodes.values()}
    if "Output" not in kinds:
        raise CompileError("nir.output", "the graph has no Output node", hint="an Output node says what to compute")
    if "Input" not in kinds:
        raise CompileError("nir.input", "the graph has no Input node", hint="a network is driven through an Input node")


def _node(
    name: str, node: CheckedNode, input_shape: Shape | None, output_shape: Shape | None, edges: tuple[Edge, ...]
) -> NirNode:
    if input_shape is None or output_shape is None:
        read = next((f", read by edge {edge}" for edge in edges if edge[0] == name), "")
        read = next((f", fed by edge {edge}" for edge in edges if edge[1] == name), read)
        raise CompileError(
            "nir.infer",
            f"the shape of node {name} ({node.kind}){read} cannot be inferred",
            hint="store the shape of the Input nodes, or input_shape of the convolution",
        )
    params = node.primitive.finish(node.params, input_shape)
    return NirNode(node.kind, params, node.metadata, input_shape, output_shape)
