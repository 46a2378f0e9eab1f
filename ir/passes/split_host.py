"""
Cuts a traced network into what the host computes before the chip, what the chip runs, and what the host computes after it.

The chip gets every neuron, everything that lies between neurons, and the sums of spike populations behind the last ones.
What no spike reaches is the prologue, and of what only inputs reach that which no chip can do, with all that it is made of;
its values enter the chip as payloads, named like the value. What no neuron needs is the epilogue (read-outs, norms, time
weights): it reads chip outputs, prologue values and model inputs, each under its name.

    %e = layer_norm(%x) : real[36x8]         prologue  %e = layer_norm(%x)              output e = %e
    %s = lif(%e) : spike[36x8]          ->   chip      %e = input() : graded<24>[36x8]
                                                       %s = lif(%e)                     output s = %s
    %t = time_sum(%s) : real[36x8]           epilogue  %s = input() : spike[36x8]
                                                       %t = time_sum(%s)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ir.analysis.reach import downstream, made_of_spikes, upstream
from ir.deployment import Context, Deployment
from ir.errors import DeployError, Violation
from ir.graph import Graph, GraphBuilder, Node
from ir.lowerings.encode_counts import encode_counts
from ir.ops import Add, BatchNorm, Input, Levels, Past
from ir.ops.membrane import ANALOG_BITS
from ir.ops.over_time.by_step import ByStep
from ir.passes.fold_batchnorm import is_foldable
from ir.types import graded
from ir.verify import BETWEEN_NEURONS

REASONS = {
    "reduce": "it takes one number out of many analog ones",
    "lookup": "it looks up rows of a table",
    "along": "it needs all analog values of an axis at once",
    "layer_norm": "it needs the mean and the variance of analog values at every step",
    "time_sum": "its value is known only after the last step of the window",
    "fold_time": "it takes all steps of the window at once",
    "at_step": "it takes single steps out of the window",
    "time_weight": "its factor changes from step to step",
    "function": "it is a nonlinear function of analog values",
    "divide": "it divides analog values",
}
HINT = (
    "leave --phases out, so that the host computes it between neurons (no loop may hold it), move it before the first "
    "neurons or behind the last ones, or train a variant of the model without it"
)
HINTS = {
    "at_step": "a value that comes some steps late, zeros before it, is a delay, which chips have; none knows what comes "
    "later, and a single step is the host's, before the first neurons or behind the last ones"
}
"""Kind of operation -> another hint."""


@dataclass(frozen=True)
class _Parts:
    """Node names on either side of the two cuts: of inputs none, currents perhaps in two, as what feeds chip and host."""

    prologue: frozenset[str]
    chip: frozenset[str]
    epilogue: frozenset[str]


def split_host(graph: Graph) -> Deployment:
    """
    The three graphs; without neurons the chip's is empty.

    Raises:
        DeployError: operations between neurons that only a host can do, all of them; neurons with another number of steps.
    """
    parts = _parts(graph)
    chip = [node for node in graph.nodes.values() if node.name in parts.chip]
    wrong = [_violation(node, graph.name) for node in chip if not _may_be_between(node)] + _of_other_window(graph, chip)
    if wrong:
        raise DeployError(wrong)
    chip_inputs = _read_from_outside(graph, parts.chip)
    if parts.chip and not chip_inputs:  # neurons that fire by themselves: an input says for how many steps and samples
        chip_inputs = [next((each.name for each in graph.inputs if not each.type.steps), graph.inputs[0].name)]
    after = [
        *_read_from_outside(graph, parts.epilogue),
        *(v for v in graph.outputs.values() if v not in parts.epilogue),
    ]
    handed_over = [name for name in chip_inputs if not graph.nodes[name].type.is_spiking]
    prologue = _in_order(graph, [*chip_inputs, *(name for name in after if name in parts.prologue - parts.chip)])
    chip_outputs = _in_order(graph, [name for name in after if name in parts.chip])
    epilogue_inputs = _in_order(graph, [name for name in after if name not in parts.epilogue])
    return Deployment(
        _part(graph, "prologue", [node.name for node in graph.inputs], parts.prologue, _same_names(prologue)),
        _part(graph, "chip", _in_order(graph, chip_inputs), parts.chip, _same_names(chip_outputs), handed_over),
        _part(graph, "epilogue", epilogue_inputs, parts.epilogue, graph.outputs),
    )


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment of a whole network, cut; see `split_host`. Counts are spikes before, where the chip needs that."""
    return split_host(encode_counts(deployment.chip, context.profile.features))


def _parts(graph: Graph) -> _Parts:
    neurons = [node.name for node in graph.nodes.values() if node.op.family == "neuron"]
    sources = [node.name for node in graph.inputs if node.type.is_spiking]
    stem = _stem(graph, neurons)
    encoded = {name for name, node in graph.nodes.items() if isinstance(node.op, Levels)}  # spikes that the host makes
    spiking = downstream(graph, {*neurons, *sources, *encoded}, without=stem - encoded)
    between = upstream(graph, neurons, within=spiking)
    inputs = {node.name for node in graph.inputs}
    summed = upstream(graph, _sums_of_populations(graph, between | set(sources)), within=spiking)
    chip = (between | summed) - inputs - encoded
    prologue = (graph.nodes.keys() - spiking | upstream(graph, stem)) - inputs
    epilogue = graph.nodes.keys() - chip - prologue - inputs
    return _Parts(frozenset(prologue), frozenset(chip), frozenset(epilogue | _recomputed(graph, epilogue, chip)))


def _recomputed(graph: Graph, epilogue: Set[str], chip: Set[str]) -> set[str]:
    """Weighted sums of the chip's that the host wants too: no chip sends currents, so the host adds up the spikes itself."""
    read = [name for node in epilogue for name in graph.nodes[node].reads] + list(graph.outputs.values())
    shared, stack = set[str](), read
    while stack:
        name = stack.pop()
        if name in chip and name not in shared and not graph.nodes[name].type.is_spiking:
            shared.add(name)
            stack.extend(graph.nodes[name].reads)
    return shared


def _sums_of_populations(graph: Graph, on_chip: set[str]) -> list[str]:
    """Behind the last neurons: the sums that add up spike populations, which may be reached through routing."""
    reach, sums = set(on_chip), list[str]()
    for node in graph.nodes.values():
        timely = node.type.is_spiking and not node.type.steps
        routed = node.op.family == "routing" and timely and set(node.inputs) <= reach
        if node.name in reach or not routed:
            continue
        reach.add(node.name)
        if isinstance(node.op, Add):
            sums.append(node.name)
    return sums


def _stem(graph: Graph, neurons: list[str]) -> set[str]:
    """What neurons need, and only the host can do, and does from inputs alone."""
    behind_neurons = downstream(graph, set(neurons))
    wanted = upstream(graph, neurons) - behind_neurons
    return {name for name in wanted if _is_the_hosts(graph, graph.nodes[name])}


def _is_the_hosts(graph: Graph, node: Node) -> bool:
    """Whether no chip can do it; of what has a lowering, the products of analog values and norms of no projection."""
    if isinstance(node.op, BatchNorm):
        return not is_foldable(graph, node)
    if isinstance(node.op, ByStep):
        return not made_of_spikes(graph, node.inputs[0])
    if node.op.kind in ("mul", "concat"):
        return not any(arg.is_spiking for arg in graph.args(node))
    return node.op.family != "input" and not _may_be_between(node)


def _may_be_between(node: Node) -> bool:
    return node.op.kind in BETWEEN_NEURONS


def _violation(node: Node, network: str) -> Violation:
    reason = REASONS.get(node.op.kind, "only the host can compute it")
    what = f"%{node.name}: {node.op.kind} lies between neurons, but {reason}"
    return Violation(
        rule=f"split.{node.op.kind}",
        what=what,
        where=str(node.provenance) or network,
        hint=HINTS.get(node.op.kind, HINT),
    )


def _of_other_window(graph: Graph, nodes: Sequence[Node]) -> list[Violation]:
    """What the first neurons break that have a window of their own; none where the chip's `nodes` all have the graph's."""
    node = next((node for node in nodes if node.op.family == "neuron" and node.type.steps), None)
    if node is None:
        return []
    what = f"%{node.name} runs {node.type.steps} steps per sample, other neurons {graph.steps}"
    hint = "leave --phases out, so that neurons of every number of steps are a phase, or bring all inputs to one number"
    return [Violation(rule="split.steps", what=what, where=str(node.provenance) or graph.name, hint=hint)]


def _read_from_outside(graph: Graph, part: frozenset[str]) -> list[str]:
    """The values that the nodes of a part read and that are made elsewhere."""
    read = [name for node in graph.nodes.values() if node.name in part for name in node.reads]
    return [name for name in read if name not in part]


def _in_order(graph: Graph, names: Sequence[str]) -> list[str]:
    members = set(names)
    return [name for name in graph.nodes if name in members]


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
        builder.add(Input(str(kind)), name=name, provenance=graph.nodes[name].provenance)
    for node in graph.nodes.values():
        if node.name in nodes and isinstance(node.op, Past) and node.op.of in handed_over:
            kind = str(builder.type(node.op.of))
            builder.add(replace(node.op, type=kind), name=node.name, provenance=node.provenance)
        elif node.name in nodes:
            builder.copy(node, node.inputs)
    return builder.build(outputs)
