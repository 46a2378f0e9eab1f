"""Synthetic nets on meshes of cores: a contiguous split, the partitioner alone, its own mapping, what the compiler does, the best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from compile.benchmark.table import Cell, Table
from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.layout.lay_out import lay_out
from ir.mapping.layout.pack import pack
from ir.mapping.layout.partition import BALANCE, library, partition
from ir.mapping.layout.shard_graph import ShardGraph
from ir.mapping.timing.traffic import core_flow, on_blocks, visits
from tests.bench.fewest_hops import fewest_hops
from tests.bench.layered_nets import LayeredNet

Way = Callable[[ShardGraph, Board], tuple[Array, Array]]
"""(net, mesh) -> (the core of every shard, the places of the cores)."""
COLUMNS = ("neurons", "mesh", "way", "visits", "hops", "hops / contiguous", "s", "same twice")
NOTE = (
    "Neurons of `tests/bench/layered_nets.py` on cores with room for 3 % more than the mean. Visits: spikes per step times the other "
    "cores that each reaches; hops: of these, unicast. Contiguous: neurons in their order, cores row by row, to and fro. "
    "`map_onto_graph`: Mt-KaHyPar's own mapping, which counts hops of multicast trees; tried on small meshes only. The fewest hops: "
    "`tests/bench/fewest_hops.py`, of the smallest nets only."
)
CASES = (
    (LayeredNet(3, 2, 3), Board(2, 2)),
    (LayeredNet(4, 2, 4), Board(2, 2)),
    (LayeredNet(4, 2, 3), Board(3, 2)),
    (LayeredNet(12, 8, 14), Board(4, 4)),
    (LayeredNet(16, 20, 20), Board(6, 6)),
    (LayeredNet(32, 16, 41), Board(8, 8)),
    (LayeredNet(32, 16, 41), Board(16, 8)),
)
SEED = 0
MOST_BLOCKS = 16
"""With 36 and 64, `map_onto_graph` was not done after 100 s of processor time; more than 64 are refused."""
MOST_CHOICES = 144
"""Shards times cores of which the best layout is found within a minute."""
SCALE = 1000
"""The library counts whole numbers."""


def table(quick: bool) -> Table:
    """All nets; the smallest if quick."""
    rows = [row for net, board in CASES[: 1 if quick else None] for row in rows_of(net, board)]
    return Table("Partition and placement", COLUMNS, tuple(rows), NOTE)


def rows_of(net: LayeredNet, board: Board) -> Iterator[tuple[Cell, ...]]:
    """A row for each way."""
    graph, first = net.graph(SEED), 0.0
    for name, way in WAYS.items():
        case = (net.neurons, f"{board.columns} x {board.rows}", name)
        if _takes_long(way, graph, board):
            yield *case, *(None,) * 5
            continue
        start = time.process_time()
        block, places = way(graph, board)
        took = time.process_time() - start
        nets = on_blocks(graph.nets, block)
        hops = float((core_flow(nets, len(places)) * board.distances(places)).sum())
        first = first or hops
        again = way(graph, board) if way is _laid_out else (block, places)
        same = all(np.array_equal(*each) for each in zip((block, places), again, strict=True))
        yield *case, visits(nets), hops, hops / first, took, ("yes" if same else "no") if way is _laid_out else None


def _takes_long(way: Way, graph: ShardGraph, board: Board) -> bool:
    cores = len(board.places)
    return (way is _mapped_by_library and cores > MOST_BLOCKS) or (way is _best and graph.shards * cores > MOST_CHOICES)


def _contiguous(graph: ShardGraph, board: Board) -> tuple[Array, Array]:
    cores = len(board.places)
    return np.arange(graph.shards) * cores // graph.shards, board.places


def _limits(graph: ShardGraph, board: Board) -> dict[str, int]:
    return {"neurons": math.ceil((1 + BALANCE) * graph.shards / len(board.places))}


def _partitioned(graph: ShardGraph, board: Board) -> tuple[Array, Array]:
    return partition(graph, _limits(graph, board), len(board.places), SEED).block, board.places


def _mapped_by_library(graph: ShardGraph, board: Board) -> tuple[Array, Array]:
    import mtkahypar

    cores, costs = len(board.places), graph.traffic
    mtkahypar.set_seed(SEED)
    context = library().context_from_preset(mtkahypar.PresetType.DEFAULT)
    context.logging = False
    context.set_mapping_parameters(cores, BALANCE)
    spikes = np.maximum(1, costs.sizes * SCALE).astype(np.int64).tolist()
    pins = [costs.sets.of_set(net).tolist() for net in range(costs.sets.count)]
    hypergraph = library().create_hypergraph(context, graph.shards, len(pins), pins, [1] * graph.shards, spikes)
    edges = [(int(a), int(b)) for a, b in np.argwhere(np.triu(board.distances(board.places)) == 1)]
    target = library().create_target_graph(context, cores, len(edges), edges, [1] * len(edges))
    return np.array(hypergraph.map_onto_graph(target, context).get_partition()), board.places


def _laid_out(graph: ShardGraph, board: Board) -> tuple[Array, Array]:
    limits = _limits(graph, board)
    return lay_out(graph, pack(graph, limits), limits, board, SEED)


def _best(graph: ShardGraph, board: Board) -> tuple[Array, Array]:
    return fewest_hops(graph, _limits(graph, board)["neurons"], board)


WAYS: dict[str, Way] = {
    "contiguous": _contiguous,
    "partition, cores in their order": _partitioned,
    "`map_onto_graph`": _mapped_by_library,
    "the compiler's": _laid_out,
    "the fewest hops": _best,
}
