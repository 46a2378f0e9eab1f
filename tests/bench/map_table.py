"""Cores against those that Intel's compiler printed: by its own rules, and by the plain map, layer by layer and with layers together."""

from __future__ import annotations

from collections.abc import Iterator

import hw_profiles
from compile.benchmark.table import Cell, Table
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.split import merge, split
from tests.bench.compiler_tables import PRINTED, PrintedNetwork, by_their_rules

PROFILE = "loihi2-compiler"
COLUMNS = ("network", "layer", "neurons", "printed", "their rules", "plain, by layer", "plain", "bound", "source")
NOTE = (
    f"Cores of profile {PROFILE}. Bound: by neurons alone, whole cores per layer, and for a whole network without that. Source: a "
    "notebook below tutorials/lava/lib/dl/netx of lava-dl, commit d825ac5; `tests/bench/compiler_tables.py` has the rules that its "
    "tables show, and what of them is inferred."
)


def table(quick: bool) -> Table:
    """All networks; they take a second."""
    rows = [row for name, network in PRINTED.items() for row in rows_of(name, network)]
    return Table("Cores, against a compiler's printed tables", COLUMNS, tuple(rows), NOTE)


def rows_of(name: str, network: PrintedNetwork) -> Iterator[tuple[Cell, ...]]:
    """A row for each layer, and one for the whole."""
    profile = hw_profiles.load(PROFILE)
    graph, limits = network.graph(), core_limits(profile)
    counter = LoadCounter(graph, profile)
    core_of, loads = split(counter, limits)
    populations = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    theirs = [by_their_rules(counter, node, limits) for node in populations]
    ours = [len(set(core_of[node.name].tolist())) for node in populations]
    neurons = [node.type.size for node in populations]
    for layer, cells in zip(populations, zip(neurons, network.printed, theirs, ours, strict=True), strict=True):
        yield (name, layer.name, *cells, None, -(-cells[0] // limits["neurons"]), network.notebook)
    together = merge(core_of, loads, limits)[1]
    totals = (sum(neurons), sum(network.printed), sum(theirs), sum(ours), together)
    yield (name, "all", *totals, -(-sum(neurons) // limits["neurons"]), network.notebook)
