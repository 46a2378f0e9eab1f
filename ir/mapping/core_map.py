"""Which core every neuron is on, and where on which chip the cores are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph


@dataclass(frozen=True, eq=False)
class CoreMap:
    """Cores are numbered from 0; none of them is empty."""

    core_of: Mapping[str, Array]
    """
    Population -> int32 (neurons,), the core of every neuron, in C order of the population's shape, or of one micro-step where it
    has such. Inputs are on no core.
    """
    places: Array
    """int32 (cores, 3): the chip that a core is on, and its x and y in the mesh of that chip."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "core_of", MappingProxyType(dict(self.core_of)))

    @property
    def cores(self) -> int:
        """How many cores are used."""
        return len(self.places)

    @property
    def chips(self) -> int:
        """How many chips they are on."""
        return len({int(chip) for chip in self.places[:, 0]})

    def of(self, graph: Graph, names: Mapping[str, str]) -> CoreMap:
        """
        The part of the map that a part of the network is on; cores without any of it are left out.

        Args:
            names: value of the graph -> what it is called on the map, where that is another name.
        """
        neurons = [name for name, node in graph.nodes.items() if node.op.family == "neuron"]
        called = {name: names.get(name, name) for name in neurons}
        on = {name: self.core_of[other] for name, other in called.items() if other in self.core_of}
        used = np.zeros(self.cores, bool)
        for own in on.values():
            used[own] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        return CoreMap({name: number[own] for name, own in on.items()}, self.places[used])

    def check(self, graph: Graph) -> None:
        """CompileError `map.cores` unless every neuron of a chip graph is on one of the cores, and every core is used once."""
        sizes = {node.name: node.op.neurons(node.type) for node in graph.nodes.values() if node.op.family == "neuron"}
        if sizes != {name: len(cores) for name, cores in self.core_of.items()}:
            raise CompileError("map.cores", "the map is of other populations than the network", where=graph.name)
        used = {int(core) for cores in self.core_of.values() for core in cores}
        if used != set(range(self.cores)) or len({tuple(place) for place in self.places.tolist()}) != self.cores:
            raise CompileError("map.cores", "cores are empty, without a place, or share one", where=graph.name)


UNMAPPED = CoreMap({}, np.zeros((0, 3), np.int32))
"""The map of what nobody has mapped."""
