"""
The populations in layers, each of which reads the one before and nothing else.

netx knows chains only. A population stands one layer behind the latest that it reads; spikes that are read, or leave the chip, in
a later layer than the next are handed on by relay neurons, one step per layer as everything there, so that nothing arrives at
another time. A network that is a chain needs none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from ir.analysis.fan_in import fan_in_cone, populations
from ir.analysis.ranges import magnitudes
from ir.analysis.wiring import behind_routing
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.over_time.delay import Past


@dataclass(frozen=True)
class LayeredNetwork:
    """The members of every layer, in the order of their elements; those of layer 0 are what the first one reads."""

    graph: Graph
    members: tuple[tuple[str, ...], ...]
    depth: Mapping[str, int]
    """Input or population -> its layer; in later ones its name stands for relays."""

    def is_relay(self, level: int, name: str) -> bool:
        """Whether a member of a layer hands on what an earlier one emits."""
        return self.depth[name] < level

    def size(self, level: int) -> int:
        """The elements of a layer."""
        return sum(self.graph.nodes[name].type.size for name in self.members[level])

    def places(self, level: int) -> dict[str, slice]:
        """Member of a layer -> its elements there."""
        table: dict[str, slice] = {}
        start = 0
        for name in self.members[level]:
            stop = start + self.graph.nodes[name].type.size
            table[name], start = slice(start, stop), stop
        return table

    @cached_property
    def bounds(self) -> Mapping[str, int]:
        """Value of the graph -> the largest magnitude that it can reach."""
        return magnitudes(self.graph)

    @cached_property
    def relays(self) -> int:
        """How many neurons do nothing but hand on spikes."""
        later = enumerate(self.members)
        return sum(self.graph.nodes[n].type.size for level, names in later for n in names if self.is_relay(level, n))


def levels_of(graph: Graph, first: Collection[str]) -> LayeredNetwork:
    """
    The layers of a chip graph.

    Args:
        first: the inputs, or populations in their place.

    Raises:
        CompileError: loops of several populations, payloads that would have to be handed on, and a chip without neurons.
    """
    depth = dict.fromkeys(first, 0)
    last = dict(depth)
    for node in populations(graph):
        if node.name in depth:
            continue
        _check_loops(graph, node)
        sources = fan_in_cone(graph, node.inputs).sources
        depth[node.name] = last[node.name] = 1 + max((depth[name] for name in sources), default=0)
        last |= {name: max(last[name], depth[node.name] - 1) for name in sources}
    top = max(depth.values(), default=0)
    if not top:
        raise CompileError("netx.neuron", "nothing of the network is left to the chip")
    for value in graph.outputs.values():
        last |= dict.fromkeys(behind_routing(graph, value), top)
    members = [tuple(name for name in depth if depth[name] <= level <= last[name]) for level in range(top + 1)]
    levels = LayeredNetwork(graph, tuple(members), depth)
    _check_relays(levels)
    return levels


def _check_loops(graph: Graph, node: Node) -> None:
    """Require that every back edge of a population repeats that population itself."""
    for wire in fan_in_cone(graph, node.inputs).nodes:
        if isinstance(wire.op, Past) and behind_routing(graph, wire.op.of) != (node.name,):
            what = f"%{node.name} is in a loop with %{wire.op.of}; in netx a layer feeds back to itself alone"
            raise CompileError("netx.loop", what, where=str(node.provenance))


def _check_relays(levels: LayeredNetwork) -> None:
    """Require that what is handed on are spikes."""
    for level, names in enumerate(levels.members):
        for name in names:
            node = levels.graph.nodes[name]
            if levels.is_relay(level, name) and node.type.domain.kind != "spike":
                what = f"%{name} emits payloads, and is read later than in the next layer; netx's neurons emit spikes"
                raise CompileError("netx.chain", what, where=str(node.provenance))
