"""
The verifier: structure, types, and the operations that are legal at each level. The levels are data.

source (as traced) -> spiking (batch norms folded, host split off) -> synaptic (projections, neurons, routing) ->
quantized (integers). The legal set narrows from level to level.
"""

from __future__ import annotations

from functools import partial

from ir.analysis.wiring import behind_routing
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops import OPS, Past
from ir.ops.base import result_type

ROUTING = frozenset({"reshape", "permute", "slice", "concat", "expand", "gather", "pad", "add", "delay", "past"})
PROJECTIONS = frozenset({"linear", "conv", "synapse", "sum"})
INTEGER_NEURONS = frozenset({"integer_lif", "integer_leaky", "integer_potential", "programmed_lif", "programmed_alpha"})
"""Neurons in the chip's integers."""
CHIP_ONLY = INTEGER_NEURONS | {"graded", "gate", "burst", "max_relay"}
FLOAT_NEURONS = frozenset(
    {
        "lif",
        "leaky",
        "fixed_point_lif",
        "rectified_lif",
        "moving_threshold_lif",
        "refractory_lif",
        "nonlinear_lif",
        "alpha_lif",
        "gated_filter",
        "potential",
        "max_relay",
    }
)
"""Neurons in the source's own arithmetic."""
SYNAPTIC = ROUTING | PROJECTIONS | FLOAT_NEURONS | {"input", "graded", "gate", "burst"}
LOWERED = frozenset(
    {
        "matmul",
        "max_pool",
        "mul",
        "not",
        "offset",
        "pad",
        "scale",
        "subtract",
        "time_offset",
        "time_weight",
    }
)
"""What may lie between neurons until `lower_to_synapses` makes synapses of it, by the table in `ir.lowerings`."""
LEVELS: dict[str, frozenset[str]] = {
    "source": frozenset(OPS) - CHIP_ONLY,
    "spiking": SYNAPTIC | LOWERED,
    "synaptic": SYNAPTIC,
    "quantized": SYNAPTIC - FLOAT_NEURONS | INTEGER_NEURONS,
    "host": frozenset(OPS) - CHIP_ONLY,
}
"""Level -> the kinds of operation that may occur."""
BETWEEN_NEURONS = LEVELS["spiking"] | {"batch_norm"}
"""What a chip can do between neurons: batch norms fold, the rest has a lowering."""


def verify(graph: Graph, level: str) -> None:
    """Check names, order, parameters, types and the level's legal set; CompileError shows the node's neighbourhood."""
    defined: set[str] = set()
    for name, node in graph.nodes.items():
        problem = _problem(graph, node, defined, level)
        if problem:
            raise CompileError(
                f"ir.{level}", f"%{name}: {problem}", where=f"{node.provenance}\n{neighbourhood(graph, name)}"
            )
        defined.add(name)
    for node in graph.loops:
        assert isinstance(node.op, Past)
        if node.op.of not in defined or graph.nodes[node.op.of].type != node.type:
            actual = graph.nodes[node.op.of].type if node.op.of in defined else "nothing"
            raise CompileError(
                f"ir.{level}", f"%{node.name}: %{node.op.of} is {actual}, not {node.type}", where=str(node.provenance)
            )
    for output, value in graph.outputs.items():
        if value not in defined:
            raise CompileError(f"ir.{level}", f"output {output} names %{value}, which does not exist")


def _problem(graph: Graph, node: Node, defined: set[str], level: str) -> str:
    """What is wrong with a node, or an empty string."""
    if node.op.kind not in LEVELS[level]:
        return f"{node.op.kind} is not legal at level {level}"
    late = [name for name in node.inputs if name not in defined]
    if late:
        return f"reads {', '.join(late)} before it is computed"
    missing = [key for _, key in node.params if key not in graph.params]
    if missing:
        return f"has no parameter {', '.join(missing)}"
    shapes = {role: graph.params[key].shape for role, key in node.params}
    inferred = result_type(node.op, graph.args(node), shapes, graph.steps)
    if inferred != node.type:
        return f"is recorded as {node.type}, but its operands make {inferred}"
    if level in ("synaptic", "quantized"):
        return _wiring_problem(graph, node)
    return ""


def _wiring_problem(graph: Graph, node: Node) -> str:
    """At synaptic levels neurons read currents, and projections read one population each, or an input; no sums of them."""
    kinds = [graph.nodes[name].type.domain.kind for name in node.inputs]
    if node.op.family == "neuron" and set(kinds) - {"current"}:
        return f"a population must read currents, not {', '.join(kinds)}"
    if node.op.family == "projection" and not all(map(partial(_is_one_population, graph), node.inputs)):
        return f"a projection must read one population, not {', '.join(kinds)}"
    return ""


def _is_one_population(graph: Graph, value: str) -> bool:
    """Whether a value is what one population or input emits: spikes, payloads, or the counts of an input."""
    domain = graph.nodes[value].type.domain
    sources = [graph.nodes[name] for name in behind_routing(graph, value)]
    return domain.kind in ("spike", "graded") or (
        domain.kind == "count" and [node.type.domain for node in sources] == [domain]
    )


def neighbourhood(graph: Graph, name: str, reach: int = 3) -> str:
    """The lines around a node, a caret under its own."""
    from ir.text import node_text

    names = list(graph.nodes)
    place = names.index(name)
    lines: list[str] = []
    for near in names[max(0, place - reach) : place + reach + 1]:
        line = "    " + node_text(graph.nodes[near], graph.params)
        lines.append(line)
        if near == name:
            lines.append("    " + "^" * (len(line) - 4))
    return "\n".join(lines)
