"""
The weighted operations of a source network: how many each has, as the papers count them and as they really are.

An operation is one multiplication with accumulation of the dense network, or one accumulation where a spike opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from ir.graph import Graph, Node
from ir.ops import Conv
from ir.ops.base import Shapes
from ir.types import Type


@dataclass(frozen=True)
class Operation:
    """One weighted operation of the source network."""

    node: str
    module: str
    kind: str
    real: int
    """Operations per sample and step."""
    formula: int
    """What the papers' formula counts, padding included."""
    operands: tuple[str, ...]
    """The values whose rate drives it: its spiking operands, or all where none spikes."""
    analog: bool
    """Whether no operand spikes."""
    static: bool
    """Whether it is done once per window."""
    result: Type

    def window(self, steps: int | Fraction) -> int | Fraction:
        """T of its phase, `steps` being that of the graph."""
        return self.result.steps or steps

    def times(self, steps: int | Fraction) -> int | Fraction:
        """How often it is done per sample, `steps` being T of the graph."""
        return 1 if self.static else self.window(steps)


def operations(graph: Graph) -> tuple[Operation, ...]:
    """The weighted operations of a source graph, in order; the host's arithmetic between analog values is none."""
    return tuple(_operation(graph, node) for node in graph.nodes.values() if _is_weighted(node))


def _is_weighted(node: Node) -> bool:
    """Matrix products always; sums and elementwise products where spikes or payloads take part."""
    always = node.op.kind in ("linear", "conv", "matmul")
    return always or (node.op.kind in COUNTS and node.type.domain.kind != "real")


def _operation(graph: Graph, node: Node) -> Operation:
    shapes = {role: graph.params[name].shape for role, name in node.params}
    real, formula = COUNTS[node.op.kind](node, graph.args(node), shapes)
    spiking = tuple(name for name in node.inputs if graph.nodes[name].type.domain.kind in ("spike", "count"))
    return Operation(
        node=node.name,
        module=node.provenance.module,
        kind=node.op.kind,
        real=real,
        formula=formula,
        operands=spiking or node.inputs,
        analog=not spiking,
        static=node.type.static,
        result=node.type,
    )


Count = Callable[[Node, tuple[Type, ...], Shapes], tuple[int, int]]


def _synapses(node: Node, args: tuple[Type, ...], shapes: Shapes) -> tuple[int, int]:
    """One operation per synapse."""
    synapses = node.op.synapses(args, shapes)
    return synapses, synapses


def _convolution(node: Node, args: tuple[Type, ...], shapes: Shapes) -> tuple[int, int]:
    """The papers count every kernel tap at every output (transposed: at every input); taps on padding have no synapse."""
    outputs, inputs, *taps = shapes["weight"]
    transposed = isinstance(node.op, Conv) and max(node.op.gaps) > 1
    formula = args[0].size * outputs * inputs // args[0].shape[0] if transposed else node.type.size * inputs
    return node.op.synapses(args, shapes), formula * prod(taps)


def _product(node: Node, args: tuple[Type, ...], shapes: Shapes) -> tuple[int, int]:
    """A matrix product: every element of the result is a sum over the inner axis."""
    count = node.type.size * args[0].shape[-1]
    return count, count


def _elementwise(node: Node, args: tuple[Type, ...], shapes: Shapes) -> tuple[int, int]:
    """A gate or mask: free in the papers' formula, one operation per element in truth."""
    return node.type.size, 0


COUNTS: Mapping[str, Count] = {
    "linear": _synapses,
    "conv": _convolution,
    "synapse": _synapses,
    "sum": _synapses,
    "matmul": _product,
    "mul": _elementwise,
}
"""Kind of operation -> (real, formula) operations per sample and step."""
