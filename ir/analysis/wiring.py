"""
Who feeds whom: every population's projections, and the populations that each projection reads, seen through routing.

Routing only renames wires, on either side of a projection, so passes that reason about synapses look through it here: through
delay lines and back edges, too, for what is late comes from the same place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.graph import Graph, Node
from ir.ops.delay import Past


@dataclass(frozen=True)
class Wiring:
    """
    The synaptic graph without its routing.

    feeds: population -> per operand, the projections whose currents arrive there. sources: projection -> the populations
    and inputs that it reads. targets: projection -> the populations that it feeds.
    """

    feeds: Mapping[str, tuple[tuple[str, ...], ...]]
    sources: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]

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


def behind_routing(graph: Graph, value: str) -> tuple[str, ...]:
    """
    The nodes that a value comes from once routing is taken away, in operand order.

    A back edge leads to what it repeats; a ring of nothing but routing comes from nowhere.
    """
    found: list[str] = []
    seen, stack = set[str](), [value]
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        node = graph.nodes[name]
        if node.op.family != "routing":
            found.append(name)
        else:
            stack.extend((node.op.of,) if isinstance(node.op, Past) else reversed(node.inputs))
    return tuple(found)
