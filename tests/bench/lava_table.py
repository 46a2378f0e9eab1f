"""The `fused` emission in Lava against stock processes and against Lava as a user connects it: milliseconds per sample, ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import take_turns
from ir.graph import Graph
from tests.bench.lava_by_hand import ByHand, is_chain
from tests.bench.networks import NETWORKS, Array, Network

FUSED, LANES, STOCK, BY_HAND = "fused", "fused, side by side", "stock", "by hand"
COLUMNS = (
    "network",
    "emission",
    "samples",
    "ms per sample",
    f"{STOCK} / this",
    f"{BY_HAND} / this",
    "differing values",
)
SAMPLES: Mapping[str, Mapping[str, int]] = {
    "CMSF block, N=12 D=64": {FUSED: 100, LANES: 640, STOCK: 10},
    "MLP 784-512-512-10": {FUSED: 4, LANES: 256, STOCK: 4, BY_HAND: 2},
    "conv 2x34x34": {FUSED: 4, LANES: 128, STOCK: 1, BY_HAND: 1},
    "CMSF block, N=36 D=1024": {FUSED: 8, LANES: 32},
}
"""Samples of one run, so that every candidate takes a second or less."""
QUICK = {"CMSF block, N=12 D=64": SAMPLES["CMSF block, N=12 D=64"]}
NOTE = (
    "The clock runs while steps run; building and starting processes is left out. `stock`: this compiler's other emission, one or "
    "more of Lava's own processes per population. `by hand`: a Dense or Conv and a LIFReset per layer, as a user connects them. "
    "All compute the same spikes, compared with the reference in every population."
)


def table(quick: bool) -> Table:
    """The whole table; nothing where Lava is missing."""
    if find_spec("lava") is None:
        return Table("Lava", COLUMNS, (), "Skipped: lava-nc is not installed (it needs Python 3.10).")
    return table_of(
        {name: (NETWORKS[name](), of) for name, of in (QUICK if quick else SAMPLES).items()}, 2 if quick else 5
    )


def table_of(cases: Mapping[str, tuple[Network, Mapping[str, int]]], rounds: int) -> Table:
    """Rows for every network: emission -> samples of one run."""
    rows = [row for name, (network, samples) in cases.items() for row in _rows(name, network, samples, rounds)]
    return Table("Lava", COLUMNS, tuple(rows), NOTE)


def _rows(name: str, network: Network, samples: Mapping[str, int], rounds: int) -> list[tuple[Cell, ...]]:
    chip = network.program.deployment.chip
    assert BY_HAND not in samples or is_chain(chip)
    turns = {emission: _turn(emission, chip, network.chip_inputs(count)) for emission, count in samples.items()}
    times = take_turns(turns, rounds)
    few = network.chip_inputs(3)

    def gain(emission: str, base: str) -> Cell:
        return times.ratio(base, emission) * samples[emission] / samples[base] if base in turns else None

    return [
        (
            name,
            key,
            count,
            1e3 * times.median(key) / count,
            gain(key, STOCK),
            gain(key, BY_HAND),
            differing(key, chip, few),
        )
        for key, count in samples.items()
    ]


def _engine(emission: str, chip: Graph) -> LavaEngine:
    return LavaEngine(chip, STOCK if emission == STOCK else FUSED, lanes=1 if emission == FUSED else None)


def _turn(emission: str, chip: Graph, fed: Mapping[str, Array]) -> Callable[[], float]:
    """Seconds of the steps of one run of all samples."""
    if emission == BY_HAND:
        (spikes,) = fed.values()
        return lambda: ByHand(chip, spikes).run()[0] * spikes.shape[0] * spikes.shape[1]
    engine = _engine(emission, chip)

    def turn() -> float:
        engine.run(fed)
        return engine.step_seconds

    return turn


def differing(emission: str, chip: Graph, fed: Mapping[str, Array]) -> int:
    """Values in which the emission differs from the reference, in every population where it can be asked."""
    names = tuple(node.name for node in chip.nodes.values() if node.op.family == "neuron")
    wanted = ReferenceEngine(chip, "cpu").run(fed, names)
    if emission == BY_HAND:
        (spikes,), (output,) = fed.values(), chip.outputs
        return int((ByHand(chip, spikes).run()[1] != wanted.outputs[output]).sum())
    found = _engine(emission, chip).run(fed, names)
    return sum(int((found.emissions[name] != wanted.emissions[name]).sum()) for name in names)
