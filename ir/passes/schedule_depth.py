"""
When each population works on a sample: depth, latency, and the synaptic delays that make shortcuts arrive in time.

Every projection costs one step, so a population at depth d sees sample k in hardware steps kT + d .. kT + d + T - 1. A
projection from depth a to depth b carries b - a - 1 extra steps of delay; what the chip's delay field cannot hold passes
through relay neurons, which all late readers of a population share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.graph import Graph
from ir.passes.schedule_wiring import Wiring, behind_routing, wiring_of


@dataclass(frozen=True)
class Schedule:
    """
    Steps behind the inputs, for everything that emits.

    depth: population or input -> depth. outputs: output -> depth (a routed or merged one follows its sources by a step).
    delays: (source, population that reads it) -> extra steps of delay. micro_steps: chip steps inside one model step, more
    than 1 where counts are coded in time.
    """

    depth: Mapping[str, int]
    outputs: Mapping[str, int]
    delays: Mapping[tuple[str, str], int]
    micro_steps: int

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
    """The earliest schedule of a chip graph: every population one step after the latest that it reads."""
    wiring = wiring_of(chip)
    depth = {node.name: 0 for node in chip.inputs}
    for name in wiring.feeds:
        depth[name] = 1 + max(depth[source] for source in _sources(wiring, name))
    delays = {
        (source, name): depth[name] - depth[source] - 1
        for name in wiring.feeds
        for source in dict.fromkeys(_sources(wiring, name))
    }
    outputs = {name: _output_depth(chip, value, depth) for name, value in chip.outputs.items()}
    micro = max([1, *(getattr(node.op, "micro", 0) for node in chip.nodes.values())])
    return Schedule(depth, outputs, delays, micro)


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
    return tuple(source for name in wiring.projections(population) for source in wiring.sources[name])


def _output_depth(chip: Graph, value: str, depth: Mapping[str, int]) -> int:
    if chip.nodes[value].op.family == "neuron":
        return depth[value]
    return 1 + max(depth[source] for source in behind_routing(chip, value))
