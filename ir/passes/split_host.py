"""
Cuts a traced network into what the host computes before the chip, what the chip runs, and what the host computes after it.

The chip gets every neuron, everything that lies between neurons, and the sums of spike populations behind the last ones.
What no spike reaches is the prologue; its values enter the chip as payloads, named like the value. What no neuron needs is
the epilogue (read-outs, norms, time weights): it reads chip outputs, prologue values and model inputs, each under its name.

    %e = layer_norm(%x) : real[36x8]         prologue  %e = layer_norm(%x)              output e = %e
    %s = lif(%e) : spike[36x8]          ->   chip      %e = input() : graded<24>[36x8]
                                                       %s = lif(%e)                     output s = %s
    %t = time_sum(%s) : real[36x8]           epilogue  %s = input() : spike[36x8]
                                                       %t = time_sum(%s)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ir.deployment import Deployment
from ir.errors import CompileError, DeployError, Violation
from ir.graph import Graph, GraphBuilder, Node
from ir.ops import Add, Input
from ir.ops.membrane import ANALOG_BITS
from ir.types import Type, graded
from ir.verify import LEVELS

BETWEEN_NEURONS = LEVELS["spiking"] | {"batch_norm"}
"""What may lie between neurons: batch norms fold, the rest has a lowering."""

REASONS = {
    "layer_norm": "it needs the mean and the variance of analog values at every step",
    "time_sum": "its value is known only after the last step of the window",
    "time_weight": "its factor changes from step to step",
    "function": "it is a nonlinear function of analog values",
    "divide": "it divides analog values",
    "pad": "its zeros are no neurons",
}
HINT = "move it before the first neurons or behind the last ones, or train a variant of the model without it"


@dataclass(frozen=True)
class _Parts:
    """Node names on either side of the two cuts; model inputs are in none of them."""

    prologue: frozenset[str]
    chip: frozenset[str]
    epilogue: frozenset[str]


def split_host(graph: Graph) -> Deployment:
    """
    The three graphs.

    Raises:
        CompileError: the network has no neurons.
        DeployError: operations between neurons that only a host can do, all of them.
    """
    parts = _parts(graph)
    wrong = [graph.nodes[name] for name in graph.nodes if name in parts.chip and not _may_be_between(graph.nodes[name])]
    if wrong:
        raise DeployError([_violation(node, graph.name) for node in wrong])
    chip_inputs = _read_from_outside(graph, parts.chip)
    after = _read_from_outside(graph, parts.epilogue) + list(graph.outputs.values())
    handed_over = [name for name in chip_inputs if not _is_spiking(graph.nodes[name].type)]
    prologue = _in_order(graph, [*chip_inputs, *(name for name in after if name in parts.prologue)])
    chip_outputs = _in_order(graph, [name for name in after if name in parts.chip])
    epilogue_inputs = _in_order(graph, [name for name in after if name not in parts.epilogue])
    return Deployment(
        _part(graph, "prologue", [node.name for node in graph.inputs], parts.prologue, _same_names(prologue)),
        _part(graph, "chip", _in_order(graph, chip_inputs), parts.chip, _same_names(chip_outputs), handed_over),
        _part(graph, "epilogue", epilogue_inputs, parts.epilogue, graph.outputs),
    )


def _parts(graph: Graph) -> _Parts:
    neurons = [node.name for node in graph.nodes.values() if node.op.family == "neuron"]
    if not neurons:
        raise CompileError("split.neurons", f"the network {graph.name} has no spiking neurons", graph.name)
    sources = [node.name for node in graph.inputs if _is_spiking(node.type)]
    spiking = _downstream(graph, [*neurons, *sources])
    between = _upstream(graph, neurons) & spiking
    inputs = {node.name for node in graph.inputs}
    chip = (between | _upstream(graph, _sums_of_populations(graph, between | set(sources))) & spiking) - inputs
    prologue = graph.nodes.keys() - spiking - inputs
    return _Parts(frozenset(prologue), frozenset(chip), frozenset(graph.nodes.keys() - chip - prologue - inputs))


def _sums_of_populations(graph: Graph, on_chip: set[str]) -> list[str]:
    """Behind the last neurons: the sums that add up spike populations, which may be reached through routing."""
    reach, sums = set(on_chip), list[str]()
    for node in graph.nodes.values():
        routed = node.op.family == "routing" and _is_spiking(node.type) and set(node.inputs) <= reach
        if node.name in reach or not routed:
            continue
        reach.add(node.name)
        if isinstance(node.op, Add):
            sums.append(node.name)
    return sums


def _is_spiking(kind: Type) -> bool:
    return kind.domain.populations > 0


def _downstream(graph: Graph, roots: Iterable[str]) -> set[str]:
    reached = set(roots)
    for node in graph.nodes.values():
        if reached & set(node.inputs):
            reached.add(node.name)
    return reached


def _upstream(graph: Graph, roots: Iterable[str]) -> set[str]:
    reached = set(roots)
    for node in reversed(list(graph.nodes.values())):
        if node.name in reached:
            reached.update(node.inputs)
    return reached


def _may_be_between(node: Node) -> bool:
    return node.op.kind in BETWEEN_NEURONS


def _violation(node: Node, network: str) -> Violation:
    reason = REASONS.get(node.op.kind, "only the host can compute it")
    what = f"%{node.name}: {node.op.kind} lies between neurons, but {reason}"
    return Violation(f"split.{node.op.kind}", what, str(node.where) or network, HINT)


def _read_from_outside(graph: Graph, part: frozenset[str]) -> list[str]:
    """The values that the nodes of a part read and that are made elsewhere."""
    read = [name for node in graph.nodes.values() if node.name in part for name in node.inputs]
    return [name for name in read if name not in part]


def _in_order(graph: Graph, names: Sequence[str]) -> list[str]:
    wanted = set(names)
    return [name for name in graph.nodes if name in wanted]


def _same_names(values: Iterable[str]) -> dict[str, str]:
    return {name: name for name in values}


def _part(
    graph: Graph,
    part: str,
    inputs: Sequence[str],
    nodes: frozenset[str],
    outputs: Mapping[str, str],
    handed_over: Sequence[str] = (),
) -> Graph:
    """One of the three graphs; values that are `handed_over` by the host become payloads."""
    builder = GraphBuilder(f"{graph.name}.{part}", graph.steps, graph.params, graph.dtype)
    for name in inputs:
        kind = graph.nodes[name].type
        kind = replace(kind, domain=graded(ANALOG_BITS)) if name in handed_over else kind
        builder.add(Input(str(kind)), name=name, where=graph.nodes[name].where)
    for node in graph.nodes.values():
        if node.name in nodes:
            builder.copy(node, node.inputs)
    return builder.build(outputs)
