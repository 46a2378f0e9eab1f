"""
Passes on through relays what the chip's delay field cannot hold.

A relay is a population that emits what it receives, so it carries a spike (or payload) one synapse further. The late readers of a
population share one chain of relays, each as far behind the one before as the field allows:

    %s = ...                                            depth 0
    %r = synapse(%s)          100 steps of delay        %s_relay_in = synapse(%s) {delay=63}
                                                        %s_relay = lif(%s_relay_in) {decay=1.0}       depth 64
                                                        %r = synapse(%s_relay)                        36 steps of delay

Delay lines and back edges that are longer than the field are cut, with a relay between the pieces; each of these takes a step, by
which what is behind it comes later. What no relay can help (a delay line on a chip without delays) is left to the check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ir.analysis.components import components
from ir.analysis.schedule import model_delay, schedule
from ir.analysis.wiring import wiring_of
from ir.deployment import Context, Deployment
from ir.graph import Array, Graph, GraphBuilder, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Delay, Graded, IntegerLif, Lif, Op, Past, Synapse
from ir.profile import Arithmetic
from ir.types import Type

PASS = "insert_relays"


def insert_relays(chip: Graph, arithmetic: Arithmetic) -> Graph:
    """The graph in which no synapse waits for more than `max_delay` steps, as far as relays can help; itself where none does."""
    if schedule(chip).max_delay <= arithmetic.max_delay:
        return chip
    chip = _cut_delay_lines(_move_before_projections(chip, arithmetic.max_delay), arithmetic)
    return _bridge_shortcuts(chip, arithmetic)


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with relays in its chip's graph, and the schedule that it has with them."""
    relayed = deployment.on_chip(lambda chip: insert_relays(chip, context.profile.arithmetic) if chip.nodes else chip)
    return relayed if relayed is deployment else replace(relayed, schedule=schedule(relayed.chip))


@dataclass(frozen=True)
class _Shortcut:
    """A projection whose synapses wait too long for what a population sends."""

    source: str
    projection: str
    delay: int
    """Steps that the synapses wait in all: for model steps, and because the reader is deeper."""
    slack: int
    """Steps of these for which the reader is deeper; -1 inside a loop, where a synapse's own step is one of the model's."""

    @property
    def model_steps(self) -> int:
        """What would be left if relays took all of the slack."""
        return self.delay - max(0, self.slack)


def _shortcuts(chip: Graph, max_delay: int) -> list[_Shortcut]:
    plan, targets = schedule(chip), wiring_of(chip).targets
    late = ((source, name, delay) for (source, name), delay in plan.synaptic.items() if delay > max_delay)
    return [
        _Shortcut(source, name, delay, min(plan.depth[reader] for reader in targets[name]) - plan.depth[source] - 1)
        for source, name, delay in late
    ]


def _too_late(chip: Graph, max_delay: int) -> set[str]:
    """The projections whose delay lines and back edges alone are longer than the field."""
    return {late.projection for late in _shortcuts(chip, max_delay) if late.model_steps > max_delay}


def _move_before_projections(chip: Graph, max_delay: int) -> Graph:
    """The graph with delays of currents that come too late as delays of the spikes that make them."""
    too_late = _too_late(chip, max_delay)

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        is_current = isinstance(node.op, Delay) and node.type.domain.kind == "current"
        if not is_current or not too_late & _behind(chip, node.inputs, through=("routing",)):
            return None
        return _from_late_spikes(_Added(chip, rewriter.builder), rewriter, chip.nodes[node.inputs[0]], node)

    return Rewriter(chip, PASS).run(rule)


def _from_late_spikes(added: _Added, rewriter: Rewriter, value: Node, delay: Node) -> str:
    """A current some steps later: the same weighted sum of what the spikes were."""
    if value.op.family == "projection":
        operands = [added.node(delay, delay.op, *rewriter.inputs(value), name=delay.name)]
    else:
        operands = [_from_late_spikes(added, rewriter, rewriter.graph.nodes[name], delay) for name in value.inputs]
    return added.node(value, value.op, *operands, name=f"{value.name}_{delay.name}", params=dict(value.params))


def _cut_delay_lines(chip: Graph, arithmetic: Arithmetic) -> Graph:
    """The graph with delay lines and back edges that are too long in pieces that the field holds, relays between them."""
    reads = [name for projection in _too_late(chip, arithmetic.max_delay) for name in chip.nodes[projection].inputs]
    lines = {
        name for name in _behind(chip, reads, through=("routing",)) if isinstance(chip.nodes[name].op, (Delay, Past))
    }
    followed = lines & _behind(chip, [name for line in lines for name in chip.nodes[line].reads], through=("routing",))
    looped = _looped(chip)

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        limit = max(arithmetic.max_delay, int(node.name in looped))
        if node.name not in lines or not limit:
            return None
        added = _Added(chip, rewriter.builder, arithmetic)
        value = added.pieces(node, rewriter.inputs(node), limit)
        return added.relay(node, value) if node.name in followed else value

    return Rewriter(chip, PASS).run(rule)


def _behind(chip: Graph, values: Iterable[str], through: tuple[str, ...]) -> set[str]:
    """The values and all that they are made from; what is of no family in `through` ends the walk."""
    stack, reached = list(values), set[str]()
    while stack:
        name = stack.pop()
        if name not in reached:
            reached.add(name)
            stack.extend(chip.nodes[name].reads if chip.nodes[name].op.family in through else ())
    return reached


def _looped(chip: Graph) -> set[str]:
    """The nodes on loops."""
    readers: dict[str, list[str]] = {name: [] for name in chip.nodes}
    for node in chip.nodes.values():
        for source in node.reads:
            readers[source].append(node.name)
    return {name for members in components(readers) if len(members) > 1 for name in members}


def _bridge_shortcuts(chip: Graph, arithmetic: Arithmetic) -> Graph:
    """The graph whose shortcuts start at relays that emit late enough."""
    hop = arithmetic.max_delay + 1
    starts: dict[str, dict[str, int]] = {}
    for late in _shortcuts(chip, arithmetic.max_delay):
        least = min(late.delay - arithmetic.max_delay, late.slack)
        if least > 0:
            whole_hops = -(-least // hop) * hop
            starts.setdefault(late.projection, {})[late.source] = whole_hops if whole_hops <= late.slack else least
    builder = GraphBuilder(chip.name, chip.steps, chip.params, chip.dtype)
    added, relays = _Added(chip, builder, arithmetic), dict[tuple[str, int], str]()
    for node in chip.nodes.values():
        late = {source: relays[source, place] for source, place in starts.get(node.name, {}).items()}
        builder.copy(node, [added.reading(value, late) for value in node.inputs])
        value, before = node.name, 0
        for place in _places({places[node.name] for places in starts.values() if node.name in places}, hop):
            value, before = added.relay(node, value, place - before - 1), place
            relays[node.name, place] = value
    return builder.build(chip.outputs)


def _places(needed: set[int], hop: int) -> list[int]:
    """Where a population's relays stand, in steps behind it: where its readers need one, and every hop before that."""
    return sorted(needed | set(range(hop, max(needed, default=0), hop)))


@dataclass(frozen=True)
class _Added:
    """Nodes that the pass adds to a graph under construction; names of the graph's own nodes stay free for them."""

    chip: Graph
    builder: GraphBuilder
    arithmetic: Arithmetic | None = None

    def node(self, like: Node, op: Op, *inputs: str, name: str, params: Mapping[str, str] | None = None) -> str:
        """Append a node that belongs to the module of `like`."""
        name = f"{name}_added" if name in self.chip.nodes else name
        return self.builder.add(op, *inputs, name=name, params=params, provenance=like.provenance.after(PASS))

    def relay(self, like: Node, value: str, wait: int = 0) -> str:
        """A population that emits what `value` emits; its synapses wait for `wait` steps more than they must."""
        micro = getattr(self.builder.node(value).op, "micro", 0)
        current = self.node(like, Synapse(micro=micro, delay=wait), value, name=f"{like.name}_relay_in")
        arithmetic = self.arithmetic if self.chip.is_integer else None
        return self.node(
            like, relay_op(self.builder.type(value), micro, arithmetic), current, name=f"{like.name}_relay"
        )

    def pieces(self, line: Node, inputs: tuple[str, ...], limit: int) -> str:
        """What a delay line or back edge emits, by delays of at most `limit` steps."""
        if isinstance(line.op, Past):
            first = min(line.op.steps, limit)
            value = self.node(line, replace(line.op, steps=first), name=line.name)
            rest = np.asarray(line.op.steps - first)
            value = self.relay(line, value) if rest else value
        else:
            (value,), rest = inputs, self.chip.arrays(line).get("steps", np.asarray(model_delay(self.chip, line)))
        while rest.max() > limit:
            piece = np.minimum(rest, limit)
            value, rest = self.relay(line, self._delayed(line, value, piece)), rest - piece
        return self._delayed(line, value, rest) if rest.any() else value

    def _delayed(self, line: Node, value: str, steps: Array) -> str:
        """A delay line of one length (shape ()), or of a length for every element."""
        if not steps.ndim:
            return self.node(line, Delay(int(steps)), value, name=line.name)
        param = self.builder.param(f"{line.name}.steps", steps)
        return self.node(line, Delay(), value, name=line.name, params={"steps": param})

    def reading(self, value: str, starts: Mapping[str, str]) -> str:
        """A value of the chip's graph, made from what stands in `starts` for its sources."""
        node = self.chip.nodes[value]
        if value in starts or not starts or node.op.family != "routing":
            return starts.get(value, value)
        operands = [self.reading(operand, starts) for operand in node.inputs]
        if operands == list(node.inputs):
            return value
        return self.node(node, node.op, *operands, name=node.name, params=dict(node.params))


def relay_op(kind: Type, micro: int, arithmetic: Arithmetic | None) -> Op:
    """The memoryless neuron that repeats spikes, or payloads of any size; `arithmetic`: of the chip, for integers."""
    if kind.domain.kind == "graded":
        return Graded(kind.domain.bound)
    if arithmetic is None:
        return Lif(1.0, form="sum", micro=micro)
    unit = 1 << arithmetic.decay_bits
    widths = (arithmetic.activation_shift, arithmetic.decay_bits, arithmetic.state_bits)
    return IntegerLif(unit - 1, unit, 0, *widths, micro=micro)
