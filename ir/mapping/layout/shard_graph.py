"""A network as shards that are to be spread over cores: what they spend there, and the spikes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.nets import OUTSIDE, Nets
from ir.mapping.relation import Relation

RESOURCES = ("neurons", "weights", "axons_in")
"""What a core has a limited amount of: neurons, stored weights, and source neurons whose spikes arrive."""


@dataclass(frozen=True, eq=False)
class ShardGraph:
    """A hypergraph whose vertices are shards, and whose nets carry spikes."""

    neurons: Array
    """int64 (shards,)."""
    work: Array
    """float64 (shards,): neuron updates and synaptic events per step."""
    weights: Cover
    """Stored weights, by who uses the same ones."""
    nets: Nets
    """Spikes between shards."""

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.neurons)

    @property
    def resources(self) -> Mapping[str, Cover]:
        """Each of RESOURCES, as what blocks of shards hold of it."""
        return {
            "neurons": Cover(self.neurons, Relation.one_each(self.shards)),
            "weights": self.weights,
            "axons_in": Cover(self.nets.neurons, self.nets.readers),
        }

    @property
    def traffic(self) -> Cover:
        """Spikes by the blocks that they are in or come to: those of all blocks, less each once, are the visits."""
        inside = np.flatnonzero(self.nets.source != OUTSIDE)
        sets = np.concatenate([self.nets.readers.sets, inside])
        members = np.concatenate([self.nets.readers.members, self.nets.source[inside]])
        return Cover(self.nets.spikes, Relation.of(sets, members, self.nets.readers.count))
