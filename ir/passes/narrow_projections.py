"""
Gives every slice of a projection's outputs a projection of its own, with just those rows of the matrix.

A hidden layer that is computed at once and then split (value half and gate half) becomes two layers, each with its own
neurons behind it. Slices along other axes, and of projections that are also read whole, stay as they are.

    %h = linear(%x) : current[36x8]             %h_0_4 = linear(%x, weight=W[0:4]) : current[36x4]
    %v = slice(%h) {axis=1, start=0, stop=4}    %h_4_8 = linear(%x, weight=W[4:8]) : current[36x4]
    %g = slice(%h) {axis=1, start=4, stop=8}

Columns are divided before, between unlike values that are read side by side (`ir.lowerings.divide_joins`).
"""

from __future__ import annotations

from ir.deployment import Context, Deployment
from ir.graph import Graph, Node
from ir.lowerings.divide_joins import divide_joins
from ir.lowerings.rewriter import Rewriter
from ir.ops import Conv, Linear, Slice

PASS = "narrow_projections"


def narrow_projections(graph: Graph) -> Graph:
    """The graph with slices of output channels moved into the rows of the linear or convolution above them."""
    users = graph.users()
    outputs = set(graph.outputs.values())
    narrowed = {
        node.name
        for node in graph.nodes.values()
        if _is_whole(node) and node.name not in outputs and _all_slices(node, users[node.name])
    }
    return Rewriter(graph, PASS).run(lambda rewriter, node: _narrow(rewriter, node, narrowed))


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with its chip's joins divided, and then its projections narrowed, see `narrow_projections`."""
    return deployment.on_chip(lambda chip: narrow_projections(divide_joins(chip, PASS)))


def channel_axis(node: Node) -> int:
    """The axis of a projection's result that holds its output channels."""
    return 0 if isinstance(node.op, Conv) else len(node.type.shape) - 1


def _is_whole(node: Node) -> bool:
    """Linear maps and convolutions; the rows of a grouped one also choose its inputs, so it stays."""
    return isinstance(node.op, Linear) or (isinstance(node.op, Conv) and node.op.groups == 1)


def _all_slices(projection: Node, users: list[Node]) -> bool:
    axis = channel_axis(projection)
    return bool(users) and all(isinstance(user.op, Slice) and user.op.axis == axis for user in users)


def _narrow(rewriter: Rewriter, node: Node, narrowed: set[str]) -> str | None:
    if not isinstance(node.op, Slice) or node.inputs[0] not in narrowed:
        return None
    projection, rows = rewriter.graph.nodes[node.inputs[0]], slice(node.op.start, node.op.stop)
    suffix = f"{rows.start}_{rows.stop}"
    params = {
        role: rewriter.builder.param(f"{name}.rows_{suffix}", rewriter.graph.params[name][rows])
        for role, name in projection.params
    }
    return rewriter.builder.add(
        projection.op,
        *rewriter.inputs(projection),
        name=f"{projection.name}_{suffix}",
        params=params,
        provenance=projection.provenance.after(PASS),
    )
