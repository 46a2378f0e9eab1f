"""
Sums over steps and features move before the weights that the host applies after the chip: it then applies them to the sums.

A read-out that averages a residual stream of currents would otherwise compute every convolution of the stream a second time, at
every step and pixel, as no chip sends currents. A sum commutes with whatever is linear; what is constant counts as often as it is
added up.

    sum_t w[t] (W x[t] + b)  =  W (sum_t w[t] x[t]) + b sum_t w[t]
    sum_p (W x[p] + b)       =  W (sum_p x[p]) + n b,    of n places p

    %c = conv(%s, weight=@W) : current[48x64]           %a = sum(%s) {axes=(1,)} : current[192x1]
    %a = sum(%c) {axes=(1,)} : real[48x1]         ->    %t = time_sum(%a) : real[192x1] static
    %t = time_sum(%a) : real[48x1] static               %c = conv(%t, weight=@W) : real[48x1] static

Spikes are added up first, to whole numbers; factors of means come last, as in the network. A sum moves only where fewer weights
are left for a step. One over steps alone stays: weights of spikes are added wherever there is a spike, those of sums multiplied,
and every number is what the network makes it, rounding included.
"""

from __future__ import annotations

from dataclasses import replace

from ir.deployment import Context, Deployment
from ir.graph import Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.lowerings.sums.rules import advanced_sum
from ir.ops import Conv, Linear, Sum, TimeSum

PASS = "advance_sums"


def advance_sums(graph: Graph) -> Graph:
    """The graph of a host with its sums where they cost least, the last ones first."""
    for node in reversed(list(graph.nodes.values())):
        if isinstance(node.op, Sum | TimeSum) and node.name in graph.nodes:
            moved = _with_advanced(graph, node)
            graph = moved if weighted_operations(moved) < weighted_operations(graph) else graph
    return graph


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with the graph of the host after the chip rewritten, see `advance_sums`."""
    return replace(deployment, epilogue=advance_sums(deployment.epilogue))


def weighted_operations(graph: Graph) -> int:
    """What the matrices and convolutions of a graph take, per sample and step, or per sample where there are no steps."""
    return sum(_operations(graph, node) for node in graph.nodes.values() if isinstance(node.op, Conv | Linear))


def _operations(graph: Graph, node: Node) -> int:
    return node.op.synapses(graph.args(node), {role: array.shape for role, array in graph.arrays(node).items()})


def _with_advanced(graph: Graph, last: Node) -> Graph:
    """The graph with one sum moved before everything linear that it is behind."""

    def advance(rewriter: Rewriter, node: Node) -> str | None:
        value = advanced_sum(rewriter, node) if node.name == last.name else None
        return value if value is not None and rewriter.builder.type(value) == node.type else None

    return Rewriter(graph, PASS).run(advance)
