"""A network as shards that are to be spread over cores: what they spend there, and the spikes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation


@dataclass(frozen=True, eq=False)
class ShardGraph:
    """A hypergraph whose vertices are shards, and whose nets carry spikes."""

    work: Array
    """float64 (shards,): neuron updates and synaptic events per step."""
    resources: Mapping[str, Cover]
    """What a core has a limited amount of -> what blocks of shards hold of it."""
    nets: Nets
    """Spikes between shards."""

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.work)

    @property
    def traffic(self) -> Cover:
        """Spikes by the blocks that they are in or come to: those of all blocks, less each once, are the visits."""
        inside = np.flatnonzero(self.nets.source != OUTSIDE)
        sets = np.concatenate([self.nets.readers.sets, inside])
        members = np.concatenate([self.nets.readers.members, self.nets.source[inside]])
        return Cover(self.nets.spikes, Relation.of(sets, members, self.nets.readers.count))

    def limited(self, limits: Mapping[str, float]) -> dict[str, tuple[Cover, float]]:
        """Resource that has a limit -> what blocks hold of it, and the limit."""
        return {name: (cover, float(limits[name])) for name, cover in self.resources.items() if name in limits}

    def among(self, shards: Array) -> ShardGraph:
        """Some of the shards, in this order, with the spikes between them; what comes from others comes from outside."""
        place = np.full(self.shards, -1)
        place[shards] = np.arange(len(shards))
        resources = {name: cover.among(place) for name, cover in self.resources.items()}
        return ShardGraph(self.work[shards], resources, self.nets.among(place))
