"""
When each population works on a sample: depth, latency, and the synaptic delays that make shortcuts arrive in time.

Every projection costs one step, so a population at depth d sees sample k in hardware steps kT + d .. kT + d + T - 1. A
projection from depth a to depth b carries b - a - 1 extra steps of delay; what the chip's delay field cannot hold passes
through relay neurons, which all late readers of a population share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.analysis.components import chip_steps, components
from ir.analysis.wiring import Wiring, behind_routing, wiring_of
from ir.graph import Graph


@dataclass(frozen=True)
class Schedule:
    """
    Steps behind the inputs, for everything that emits.

    depth: population or input -> depth. outputs: output -> depth (a routed or merged one follows its sources by a step).
    delays: (source, population that reads it) -> extra steps of delay, 0 inside a loop. micro_steps: chip steps inside one
    model step, more than 1 where counts are coded in time. loop_steps: how many populations of a loop lie in sequence within
    one model step, which are as many steps of a chip; 1 where every loop is a single layer's, or there is none.
    """

    depth: Mapping[str, int]
    outputs: Mapping[str, int]
    delays: Mapping[tuple[str, str], int]
    micro_steps: int
    loop_steps: int = 1

    @property
    def latency(self) -> int:
        """Steps by which the latest population or output trails the inputs."""
        return max([0, *self.depth.values(), *self.outputs.values()])

    @property
    def max_delay(self) -> int:
        """The longest extra delay that any synapse carries."""
        return max([0, *self.delays.values()])


@dataclass(frozen=True)
class Relay:
    """A copy of a population that emits `hop` steps of delay plus one after it (or after the relay before)."""

    source: str
    depth: int
    neurons: int


def schedule(chip: Graph) -> Schedule:
    """The earliest schedule of a chip graph: every population, or loop of them, one step after the latest that it reads."""
    wiring = wiring_of(chip)
    sources = {node.name: () for node in chip.inputs} | {name: _sources(wiring, name) for name in wiring.feeds}
    depth: dict[str, int] = {node.name: 0 for node in chip.inputs}
    loop_steps = 1
    for members in _in_order(sources):
        outside = [depth[source] for name in members for source in sources[name] if source not in members]
        depth.update(dict.fromkeys((name for name in members if name not in depth), 1 + max(outside, default=0)))
        loop_steps = max(loop_steps, chip_steps(chip, members) if len(members) > 1 else 1)
    depth = {name: depth[name] for name in sources}
    delays = {
        (source, name): max(0, depth[name] - depth[source] - 1) for name in wiring.feeds for source in sources[name]
    }
    outputs = {name: _output_depth(chip, value, depth) for name, value in chip.outputs.items()}
    micro = max([1, *(getattr(node.op, "micro", 0) for node in chip.nodes.values())])
    return Schedule(depth, outputs, delays, micro, loop_steps)


def relays(chip: Graph, plan: Schedule, max_delay: int) -> tuple[Relay, ...]:
    """The relay populations that delays beyond `max_delay` steps need: one chain per source, shared by its readers."""
    chains: list[Relay] = []
    for source in plan.depth:
        late = max([0, *(delay for (name, _), delay in plan.delays.items() if name == source)])
        hop = max_delay + 1
        for count in range(1, late // hop + 1):
            chains.append(Relay(source, plan.depth[source] + count * hop, chip.nodes[source].type.size))
    return tuple(chains)


def _sources(wiring: Wiring, population: str) -> tuple[str, ...]:
    names = (source for name in wiring.projections(population) for source in wiring.sources[name])
    return tuple(dict.fromkeys(names))


def _in_order(sources: Mapping[str, tuple[str, ...]]) -> list[frozenset[str]]:
    """The populations and inputs, loops together, each after all that it reads."""
    readers: dict[str, list[str]] = {name: [] for name in sources}
    for name, own in sources.items():
        for source in own:
            readers[source].append(name)
    return [frozenset(members) for members in components(readers)]


def _output_depth(chip: Graph, value: str, depth: Mapping[str, int]) -> int:
    if chip.nodes[value].op.family == "neuron":
        return depth[value]
    return 1 + max((depth[source] for source in behind_routing(chip, value)), default=0)
