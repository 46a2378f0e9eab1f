"""
Who feeds whom: every population's projections, and the populations that each projection reads, seen through routing.

Routing only renames wires, on either side of a projection, so passes that reason about synapses look through it here: through
delay lines and back edges, too, for what is late comes from the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ir.analysis.fan_in import walk
from ir.graph import Graph, Node


@dataclass(frozen=True)
class Wiring:
    """The synaptic graph without its routing."""

    feeds: Mapping[str, tuple[tuple[str, ...], ...]]
    """Population -> per operand, the projections whose currents arrive there."""
    sources: Mapping[str, tuple[str, ...]]
    """Projection -> the populations and inputs that it reads."""
    targets: Mapping[str, tuple[str, ...]]
    """Projection -> the populations that it feeds."""

    def projections(self, population: str) -> tuple[str, ...]:
        """All projections into a population, in operand order."""
        return tuple(dict.fromkeys(name for names in self.feeds[population] for name in names))

    def payload_projections(self, node: Node) -> tuple[str, ...]:
        """The projections that carry what is summed; the enabling ones of a gate are left out."""
        operands = node.op.payload_operands(self.feeds[node.name])
        return tuple(dict.fromkeys(name for names in operands for name in names))

    def readers(self, source: str) -> tuple[str, ...]:
        """The projections that read a population or an input."""
        return tuple(name for name, sources in self.sources.items() if source in sources)

    def populations_reading(self, source: str) -> Iterator[tuple[str, str]]:
        """(projection, population) of every population that a projection which reads a population or an input feeds."""
        return ((name, target) for name in self.readers(source) for target in self.targets.get(name, ()))


def wiring_of(graph: Graph) -> Wiring:
    """The wiring of a synaptic or quantized graph."""
    feeds: dict[str, tuple[tuple[str, ...], ...]] = {}
    sources: dict[str, tuple[str, ...]] = {}
    targets: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        if node.op.family == "projection":
            sources[node.name] = behind_routing(graph, node.inputs[0])
        if node.op.family == "neuron":
            feeds[node.name] = tuple(behind_routing(graph, value) for value in node.inputs)
            for name in dict.fromkeys(name for names in feeds[node.name] for name in names):
                targets.setdefault(name, []).append(node.name)
    return Wiring(feeds, sources, {name: tuple(names) for name, names in targets.items()})


def populations_fed(graph: Graph) -> dict[str, int]:
    """Projection -> how many populations its synapses lead to; one that feeds an output alone counts as one."""
    targets = wiring_of(graph).targets
    return {
        name: max(1, len(targets.get(name, ()))) for name, node in graph.nodes.items() if node.op.family == "projection"
    }


def behind_routing(graph: Graph, value: str) -> tuple[str, ...]:
    """
    The nodes that a value comes from once routing is taken away, in operand order.

    A back edge leads to what it repeats; a ring of nothing but routing comes from nowhere.
    """
    reached = walk((value,), lambda name: graph.nodes[name].reads if _is_routing(graph, name) else ())
    return tuple(name for name in reached if not _is_routing(graph, name))


def _is_routing(graph: Graph, name: str) -> bool:
    return graph.nodes[name].op.family == "routing"
