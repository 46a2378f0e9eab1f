"""
Cuts populations into shards, blocks of channels by pixels or tokens that each fit on a core.

Shards begin as the plain map's blocks, made as large as fits: what is left at the end of a population is small, and shares a
core. Where work is to be spread they are made smaller. Near pixels are read together, so that pixels are parted before channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ir.graph import Array, Node
from ir.mapping.loads import LoadCounter
from ir.mapping.split import layout


@dataclass(frozen=True, eq=False)
class Sharding:
    """How a population is cut: into blocks of so many pixels or tokens and channels, and smaller ones at the end of each."""

    neurons: Array
    """(pixels or tokens, channels), which neuron is where."""
    pixels: int
    channels: int

    @property
    def parts(self) -> int:
        """How many shards there are."""
        pixels, channels = self.neurons.shape
        return -(-pixels // self.pixels) * -(-channels // self.channels)

    def shards(self) -> Array:
        """The shard of every neuron, numbered from 0."""
        pixels, channels = self.neurons.shape
        row, column = np.arange(pixels) // self.pixels, np.arange(channels) // self.channels
        shard = np.empty(self.neurons.size, np.int64)
        shard[self.neurons] = row[:, None] * (column[-1] + 1) + column
        return shard

    def finer(self, parts: int) -> Sharding:
        """At least so many parts, as far as there are neurons; itself where it has them."""
        pixels, channels = self.neurons.shape
        if self.parts >= parts:
            return self
        rows = min(pixels, -(-parts // -(-channels // self.channels)))
        columns = min(channels, max(-(-channels // self.channels), -(-parts // rows)))
        return replace(self, pixels=min(self.pixels, pixels // rows), channels=min(self.channels, channels // columns))

    def narrower(self, times: int) -> Sharding:
        """Shards of so many times fewer channels, or pixels where there is one channel: neither stores a weight twice."""
        if self.neurons.shape[1] == 1:
            return replace(self, pixels=-(-self.pixels // times))
        return replace(self, channels=-(-self.channels // times))


def shardings_of(counter: LoadCounter, core_of: Mapping[str, Array], limits: Mapping[str, int]) -> dict[str, Sharding]:
    """Population -> the largest blocks that fit, in about as few parts as a plain map has."""
    nodes = counter.connections.graph.nodes
    return {name: _fullest(counter, nodes[name], on, limits) for name, on in core_of.items()}


def numbered(shardings: Mapping[str, Sharding]) -> dict[str, Array]:
    """Population -> int64 (neurons,), the shard of every neuron; shards are numbered through the network."""
    shards, first = dict[str, Array](), 0
    for name, sharding in shardings.items():
        shards[name] = sharding.shards() + first
        first += sharding.parts
    return shards


def _fullest(counter: LoadCounter, node: Node, on: Array, limits: Mapping[str, int]) -> Sharding:
    """The blocks of a plain map, with more channels where these are parted, else with more pixels."""
    neurons = layout(counter, node)
    (height, width), rows, columns = neurons.shape, len(np.unique(on[neurons[:, 0]])), len(np.unique(on[neurons[0]]))
    pixels, channels = -(-height // rows), -(-width // columns)

    def use(pixels: int, channels: int) -> Mapping[str, int]:
        first = (height - pixels) // 2  # in the middle, where no padding saves axons
        return counter.block(node.name, neurons[first : first + pixels, :channels].ravel())

    most = {name: max(limits[name], used) for name, used in use(pixels, channels).items() if name in limits}

    def fits(pixels: int, channels: int) -> bool:
        return all(used <= most[name] for name, used in use(pixels, channels).items() if name in most)

    if columns > 1:
        return Sharding(neurons, pixels, _largest(lambda size: fits(pixels, size), channels, min(width, 2 * channels)))
    return Sharding(neurons, _largest(lambda size: fits(size, channels), pixels, min(height, 2 * pixels)), channels)


def _largest(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The largest size from `low`, which fits, to `high`."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
