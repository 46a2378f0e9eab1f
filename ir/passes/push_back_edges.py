"""
Moves back edges up to the population that they come from: a weighted sum of earlier spikes is an earlier weighted sum.

    %a = past() {of='w', ..} : current[4]            %a_s = past() {of='s', ..} : spike[4]
    ...                                              %a = linear(%a_s, weight=@U)
    %w = linear(%s, weight=@U)                       ...

Exact for maps without a constant, whose value is zero before the first step as the back edge's is. What has a constant stays:
its bias must not act before the loop has closed once.
"""

from __future__ import annotations

from ir.deployment import Context, Deployment
from ir.graph import Graph, GraphBuilder, Node
from ir.ops import Delay, Past

PASS = "push_back_edges"
LINEAR = frozenset(
    {
        *("linear", "conv", "synapse", "sum", "scale"),
        *("reshape", "permute", "slice", "concat", "expand", "gather", "pad", "add"),
    }
)
"""Kinds that map zeros to zeros when they have no bias."""


def push_back_edges(graph: Graph) -> Graph:
    """The graph with every back edge starting at a population, an input, or a map with a constant."""
    if not any(_moves(graph.nodes[source]) for node in graph.loops for source in node.reads):
        return graph
    builder = GraphBuilder(graph.name, graph.steps, graph.params, graph.dtype)
    values: dict[str, str] = {}
    for node in graph.nodes.values():
        if isinstance(node.op, Past):
            values[node.name] = _pushed(graph, builder, node.op.of, node.op.steps, node)
        else:
            values[node.name] = builder.copy(node, [values[name] for name in node.inputs])
    return builder.build({name: values[value] for name, value in graph.outputs.items()})


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with its chip's graph rewritten, see `push_back_edges`."""
    return deployment.on_chip(push_back_edges)


def _moves(node: Node) -> bool:
    uniform = isinstance(node.op, Delay) and not node.params
    return uniform or (node.op.kind in LINEAR and node.param("bias") is None)


def _pushed(graph: Graph, builder: GraphBuilder, of: str, steps: int, back_edge: Node) -> str:
    """The value that `of` had `steps` steps ago, from earlier values of populations."""
    node, provenance = graph.nodes[of], back_edge.provenance.after(PASS)
    if not _moves(node):
        return builder.add(
            Past(of, str(node.type), steps), name=f"{back_edge.name}_{of}", provenance=back_edge.provenance
        )
    if isinstance(node.op, Delay):
        return _pushed(graph, builder, node.inputs[0], steps + node.op.steps, back_edge)
    earlier = [_pushed(graph, builder, name, steps, back_edge) for name in node.inputs]
    return builder.add(
        node.op, *earlier, name=f"{back_edge.name}_{of}", params=dict(node.params), provenance=provenance
    )
