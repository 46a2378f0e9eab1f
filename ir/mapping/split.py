"""
The plain map: layer after layer, each population in as few equal blocks as fit, then small blocks together on a core.

A block is some channels of some pixels or tokens. Fewer channels take fewer kernels, fewer pixels take fewer axons; the search
goes through both and keeps what takes the fewest cores. What fits alone can still send too many axons to others: such populations
are cut finer until they do not. A limit that a single neuron exceeds cuts nothing; `ir.mapping.fit` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ir.graph import Array, Graph, Node
from ir.mapping.core_map import CoreMap
from ir.mapping.loads import LoadCounter, Loads, core_limits
from ir.ops.linear import Conv, Linear
from ir.profile import Profile

ROUNDS = 32
"""How often populations are cut finer for the axons that they send."""


@dataclass(frozen=True, eq=False)
class Grid:
    """How a population is cut: into equal parts of its channels, and of its pixels or tokens."""

    neurons: Array
    """(pixels or tokens, channels), which neuron is where; all in one column where there are no channels."""
    pixel_parts: int = 1
    channel_parts: int = 1

    @property
    def parts(self) -> int:
        """How many blocks there are."""
        return self.pixel_parts * self.channel_parts

    def blocks(self) -> Array:
        """The block of every neuron, numbered from 0."""
        pixels, channels = self.neurons.shape
        row = np.arange(pixels) * self.pixel_parts // pixels
        column = np.arange(channels) * self.channel_parts // channels
        block = np.empty(self.neurons.size, np.int32)
        block[self.neurons] = row[:, None] * self.channel_parts + column
        return block

    def finer(self, times: float) -> Grid:
        """More parts, about so many times as many; itself where every neuron is alone."""
        pixels, channels = self.neurons.shape
        if self.pixel_parts < pixels:
            return replace(self, pixel_parts=min(pixels, max(self.pixel_parts + 1, int(self.pixel_parts * times))))
        return replace(self, channel_parts=min(channels, max(self.channel_parts + 1, int(self.channel_parts * times))))


def plain_map(graph: Graph, profile: Profile) -> CoreMap:
    """The plain map of a chip graph, on the cores of as many chips as that takes."""
    if not any(node.op.family == "neuron" for node in graph.nodes.values()):
        return CoreMap({}, places(0, profile))
    counter, limits = LoadCounter(graph, profile), core_limits(profile)
    core_of, cores = merge(*split(counter, limits), limits)
    return CoreMap(core_of, places(cores, profile))


def split(counter: LoadCounter, limits: Mapping[str, int]) -> tuple[dict[str, Array], Loads]:
    """Population -> the core of every neuron, where no two populations share a core; and the loads of these cores."""
    graph = counter.connections.graph
    populations = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    own = {node.name: _possible(counter, node, limits) for node in populations}
    grids = {node.name: _fitting(counter, node, own[node.name]) for node in populations}
    core_of = _numbered(grids)
    for _ in range(ROUNDS):
        loads = counter.of(core_of)
        beyond = {name: _excess(loads, core_of[name], own[name]) for name in grids}
        cut = {name: grid.finer(beyond[name]) for name, grid in grids.items() if beyond[name] > 1}
        if all(grid.parts == grids[name].parts for name, grid in cut.items()):
            return core_of, loads
        grids |= cut
        core_of = _numbered(grids)
    return core_of, counter.of(core_of)


def merge(core_of: Mapping[str, Array], loads: Loads, limits: Mapping[str, int]) -> tuple[dict[str, Array], int]:
    """The same map with cores together where their sums fit, each on the first that has room; and how many are left."""
    use = np.stack(
        [getattr(loads, name) for name in limits if name != "cores_per_neuron"] or [np.zeros_like(loads.neurons)]
    )
    most = np.array([limit for name, limit in limits.items() if name != "cores_per_neuron"] or [0])
    filled, place = np.zeros((len(most), 0), np.int64), np.empty(use.shape[1], np.int32)
    for core, own in enumerate(use.T):
        room = np.flatnonzero((filled + own[:, None] <= most[:, None]).all(axis=0))
        if not len(room):
            filled = np.concatenate([filled, np.zeros((len(most), 1), np.int64)], axis=1)
        place[core] = room[0] if len(room) else filled.shape[1] - 1
        filled[:, place[core]] += own
    return {name: place[on] for name, on in core_of.items()}, filled.shape[1]


def places(cores: int, profile: Profile) -> Array:
    """(cores, 3), chip and place in its mesh: row by row, chip after chip."""
    per_chip = profile.limits.cores_per_chip or max(1, cores)
    chip, place = np.divmod(np.arange(cores), per_chip)
    columns = profile.mesh.columns or max(1, int(np.ceil(np.sqrt(per_chip))))
    return np.stack([chip, place % columns, place // columns], axis=1).astype(np.int32)


def layout(counter: LoadCounter, node: Node) -> Array:
    """(pixels or tokens, channels), the neurons of a population by what its weights share."""
    neurons = node.op.neurons(node.type)
    shape = node.type.shape if neurons == node.type.size else node.type.shape[1:]
    numbers = np.arange(neurons).reshape(shape)
    feeding = [each.projection for each in counter.connections.into[node.name]]
    kinds = {type(each.op) for each in feeding if each.type.shape == node.type.shape}
    if Conv in kinds:
        return np.moveaxis(numbers, 0, -1).reshape(-1, shape[0])
    if Linear in kinds:
        return numbers.reshape(-1, shape[-1])
    return numbers.reshape(-1, 1)


def _possible(counter: LoadCounter, node: Node, limits: Mapping[str, int]) -> dict[str, int]:
    """The limits that a single neuron keeps; how many cores it reaches is not for its own population to change."""
    alone = counter.alone(node.name)
    return {name: most for name, most in limits.items() if alone.get(name, 0) <= most and name != "cores_per_neuron"}


def _fitting(counter: LoadCounter, node: Node, limits: Mapping[str, int]) -> Grid:
    """The fewest equal blocks of a population that each fit on a core alone."""
    neurons = layout(counter, node)
    best, least = None, -(-neurons.size // limits.get("neurons", neurons.size))
    for parts in _part_counts(neurons.shape[1]):
        if best is not None and (best.parts == least or parts >= best.parts):
            break
        pixels = _most_pixels(counter, node, neurons, -(-neurons.shape[1] // parts), limits)
        if pixels:
            grid = Grid(neurons, -(-len(neurons) // pixels), parts)
            best = grid if best is None or grid.parts < best.parts else best
    assert best is not None, f"not one neuron of %{node.name} fits on a core"
    return best


def _part_counts(channels: int) -> list[int]:
    """Numbers of parts of the channels that are worth a look: all small ones, of the larger ones every 1.25th."""
    counts, parts = list[int](), 1
    while parts < channels:
        counts.append(parts)
        parts = max(parts + 1, parts * 5 // 4)
    return [*counts, channels]


def _most_pixels(counter: LoadCounter, node: Node, neurons: Array, channels: int, limits: Mapping[str, int]) -> int:
    """How many pixels or tokens with so many channels fit on a core; 0 where not even one does."""

    def fits(pixels: int) -> bool:
        first = (len(neurons) - pixels) // 2  # in the middle, where no padding saves axons
        used = counter.block(node.name, neurons[first : first + pixels, :channels].ravel())
        return all(used[name] <= limits[name] for name in used if name in limits)

    high = min(len(neurons), limits.get("neurons", neurons.size) // channels)
    if high and fits(high):
        return high
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _excess(loads: Loads, on: Array, limits: Mapping[str, int]) -> float:
    """How many times of what there is a core of a population uses, of the scarcest resource."""
    cores = np.unique(on)
    return max((float(getattr(loads, name)[cores].max()) / limit for name, limit in limits.items()), default=0.0)


def _numbered(grids: Mapping[str, Grid]) -> dict[str, Array]:
    """The blocks of all populations, numbered one after another."""
    core_of, first = dict[str, Array](), 0
    for name, grid in grids.items():
        core_of[name] = (grid.blocks() + first).astype(np.int32)
        first += grid.parts
    return core_of
