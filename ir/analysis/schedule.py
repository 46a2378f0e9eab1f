"""
When each population works on a sample: depth, latency, and the synaptic delays that make shortcuts arrive in time.

Every projection costs one step, so a population at depth d sees sample k in hardware steps kT + d .. kT + d + T - 1. A projection
from depth a to depth b carries b - a - 1 extra steps of delay, and those of the delay lines that it reads through. What the
chip's delay field cannot hold passes through relays (`ir.passes.insert_relays`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ir.analysis.components import components
from ir.analysis.wiring import Wiring, behind_routing, wiring_of
from ir.graph import Graph, Node
from ir.ops.linear import Synapse
from ir.ops.over_time.delay import Delay, Past


@dataclass(frozen=True)
class Schedule:
    """Steps behind the inputs, for everything that emits."""

    depth: Mapping[str, int]
    """Population or input -> depth."""
    outputs: Mapping[str, int]
    """Output -> depth; a routed or merged one follows its sources by a step."""
    delays: Mapping[tuple[str, str], int]
    """(source, population that reads it) -> steps by which a shortcut waits; 0 inside a loop."""
    synaptic: Mapping[tuple[str, str], int]
    """(source, projection that reads it) -> all steps that its synapses keep a spike back beyond the one that each takes."""
    micro_steps: int
    """Chip steps inside one model step, more than 1 where counts are coded in time."""
    loop_steps: int = 1
    """Populations of a loop that lie in sequence within one model step, which are as many steps of a chip; 1 without loops."""

    @property
    def latency(self) -> int:
        """Steps by which the latest population or output trails the inputs."""
        return max([0, *self.depth.values(), *self.outputs.values()])

    @property
    def max_delay(self) -> int:
        """The longest extra delay that any synapse carries."""
        return max([0, *self.synaptic.values()])


def schedule(chip: Graph) -> Schedule:
    """The earliest schedule of a chip graph: every population, or loop of them, one step after the latest that it reads."""
    wiring = wiring_of(chip)
    sources = {node.name: {} for node in chip.inputs} | {name: _sources(chip, wiring, name) for name in wiring.feeds}
    depth: dict[str, int] = {node.name: 0 for node in chip.inputs}
    loop_steps = 1
    for members in _in_order(sources):
        outside = [depth[s] + wait for name in members for s, wait in sources[name].items() if s not in members]
        depth.update(dict.fromkeys((name for name in members if name not in depth), 1 + max(outside, default=0)))
        loop_steps = max(loop_steps, _in_sequence(chip, members) if len(members) > 1 else 1)
    depth = {name: depth[name] for name in sources}
    delays = {(s, name): max(0, depth[name] - depth[s] - 1) for name in wiring.feeds for s in sources[name]}
    outputs = {name: _output_depth(chip, value, depth) for name, value in chip.outputs.items()}
    micro = max([1, *(getattr(node.op, "micro", 0) for node in chip.nodes.values())])
    return Schedule(depth, outputs, delays, _synaptic(chip, wiring, depth), micro, loop_steps)


def steps_behind_routing(graph: Graph, value: str) -> dict[str, int]:
    """
    The nodes that a value comes from once routing is taken away -> the longest delay on the way from there, in model steps.

    A back edge leads to what it repeats; a ring of nothing but routing comes from nowhere.
    """
    delays: dict[str, dict[str, int]] = {}

    def walk(name: str) -> dict[str, int]:
        if name not in delays:
            delays[name] = {}  # while it is walked: a ring adds nothing
            node = graph.nodes[name]
            steps: dict[str, int] = {} if node.op.family == "routing" else {name: 0}
            for source in node.reads if node.op.family == "routing" else ():
                for end, late in walk(source).items():
                    steps[end] = max(steps.get(end, 0), late + model_delay(graph, node))
            delays[name] = steps
        return delays[name]

    return walk(value)


def model_delay(graph: Graph, node: Node) -> int:
    """The longest delay of any element of a delay line or back edge, in model steps; 0 for other nodes."""
    if isinstance(node.op, Past):
        return node.op.steps
    return node.op.longest(graph.arrays(node)) if isinstance(node.op, Delay) else 0


def _sources(chip: Graph, wiring: Wiring, population: str) -> dict[str, int]:
    """What a population reads -> hardware steps that the synapses from there are made to wait."""
    waits: dict[str, int] = {}
    for name in wiring.projections(population):
        op = chip.nodes[name].op
        for source in wiring.sources[name]:
            waits[source] = max(waits.get(source, 0), op.delay if isinstance(op, Synapse) else 0)
    return waits


def _in_order(sources: Mapping[str, Collection[str]]) -> list[frozenset[str]]:
    """The populations and inputs, loops together, each after all that it reads."""
    readers: dict[str, list[str]] = {name: [] for name in sources}
    for name, read in sources.items():
        for source in read:
            readers[source].append(name)
    return [frozenset(members) for members in components(readers)]


def _in_sequence(graph: Graph, loop: Collection[str]) -> int:
    """How many populations of a loop depend on each other within one step: back edges and delays cut the sequence."""
    along: dict[str, int] = {}
    for node in graph.nodes.values():
        before = 0 if _is_late(graph, node) else max((along[name] for name in node.inputs), default=0)
        along[node.name] = before + (node.name in loop)
    return max(along[name] for name in loop)


def _is_late(graph: Graph, node: Node) -> bool:
    """Whether a value holds nothing of the same step."""
    steps = graph.arrays(node).get("steps")
    return isinstance(node.op, Delay) and (node.op.steps if steps is None else int(steps.min())) > 0


def _output_depth(chip: Graph, value: str, depth: Mapping[str, int]) -> int:
    if chip.nodes[value].op.family == "neuron":
        return depth[value]
    return 1 + max((depth[source] for source in behind_routing(chip, value)), default=0)


def _synaptic(chip: Graph, wiring: Wiring, depth: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """The whole delay of every source's synapses: model steps on either side of the projection, and what shortcuts wait."""
    delays: dict[tuple[str, str], int] = {}
    for population in wiring.feeds:
        for operand in chip.nodes[population].inputs:
            for projection, after in steps_behind_routing(chip, operand).items():
                for source, before in steps_behind_routing(chip, chip.nodes[projection].inputs[0]).items():
                    whole = before + after + depth[population] - depth[source] - 1
                    delays[source, projection] = max(0, whole, delays.get((source, projection), 0))
    return delays
