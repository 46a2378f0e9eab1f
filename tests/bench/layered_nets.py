"""Synthetic layered nets to be placed: sheets of neurons that are read by near ones of the next sheets, some far ones, uneven rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.layout.cover import Cover
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation


@dataclass(frozen=True)
class LayeredNet:
    """Sheets of `rows` x `columns` neurons, each neuron a shard of its own."""

    layers: int
    rows: int
    columns: int
    readers: int = 5
    """Synapses of a neuron; a reader may be drawn twice."""
    spread: float = 0.1
    """Standard deviation of the place of a reader, as a share of each side of a sheet, which is a torus."""
    far: float = 0.05
    """The share of readers that lie in any row, and of those in any column."""
    skipping: float = 0.1
    """The share of readers that lie in the sheet after the next one."""

    @property
    def neurons(self) -> int:
        """Of all sheets."""
        return self.layers * self.rows * self.columns

    def graph(self, seed: int) -> ShardGraph:
        """The net as shards; spikes per neuron and step are distributed log-normally about 0.05."""
        random, sheet = np.random.default_rng(seed), self.rows * self.columns
        source = np.arange(self.neurons - sheet)
        layer, place = np.divmod(source[:, None], sheet)
        row = self._read(random, place // self.columns, self.rows)
        column = self._read(random, place % self.columns, self.columns)
        skips = random.random(row.shape) < self.skipping
        reader = (np.minimum(layer + 1 + skips, self.layers - 1) * self.rows + row) * self.columns + column
        reads = Relation.of(np.repeat(source, self.readers), reader.ravel(), len(source))
        ones = np.ones(self.neurons, np.int64)
        nets = Nets(source, ones[: len(source)], random.lognormal(-3, 1, len(source)), reads)
        each = Cover(ones, Relation.one_each(self.neurons))
        return ShardGraph(ones.astype(np.float64), {"neurons": each}, nets)

    def _read(self, random: np.random.Generator, place: Array, side: int) -> Array:
        """(neurons, readers): places along a side of the sheet, of the readers of neurons at `place`."""
        shape = (len(place), self.readers)
        far, anywhere = random.random(shape) < self.far, random.integers(0, side, shape)
        near = place + np.rint(random.normal(0, side * self.spread, shape)).astype(np.int64)
        return np.where(far, anywhere, near) % side
