"""The reference backend, integers and event counts, against other packages' floats and against the matrix products alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from unittest.mock import patch

from backends.reference.engine import ReferenceEngine
from backends.reference.kernels import cpu
from backends.trace import Trace
from compile.benchmark.network import zero_state_forward
from compile.benchmark.products import float32_products, int8_products
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import Stopwatch, take_turns
from tests.bench.networks import NETWORKS, Network
from tests.bench.peers import installed

OURS, WITHOUT_INT8 = "engine", "engine without int8"
WRITTEN = "SpikingJelly, model as written"
PRODUCTS = ("int8 products", "float32 products")
BATCHES: Mapping[str, tuple[int, ...]] = {
    "CMSF block, N=12 D=64": (1, 8, 32),
    "CMSF block, N=36 D=1024": (1, 8),
    "MLP 784-512-512-10": (1, 32, 256),
    "conv 2x34x34": (1, 32),
}
QUICK: Mapping[str, tuple[int, ...]] = {
    "CMSF block, N=12 D=64": (1, 8),
    "MLP 784-512-512-10": (1, 32),
    "conv 2x34x34": (1,),
}
NOTE = "The engine computes integers and counts every event. Products: the network's matrix products alone, nothing between them."


def table(quick: bool) -> Table:
    """The whole table: networks x batches."""
    cases = [
        (name, NETWORKS[name](), batch) for name, batches in (QUICK if quick else BATCHES).items() for batch in batches
    ]
    return table_of(cases, rounds=3 if quick else 7)


def table_of(cases: list[tuple[str, Network, int]], rounds: int) -> Table:
    """One row for each (name, network, batch)."""
    others = (WITHOUT_INT8, WRITTEN, *installed())
    ratios = (*(f"{name} / engine" for name in others), *(f"engine / {name}" for name in PRODUCTS))
    columns = ("network", "batch", "active", "engine, ms per sample", *ratios, "differing values")
    return Table("Reference backend", columns, tuple(_row(*case, others, rounds) for case in cases), NOTE)


def _row(name: str, network: Network, batch: int, others: tuple[str, ...], rounds: int) -> tuple[Cell, ...]:
    turns, differing, active = candidates(network, batch)
    times = take_turns(turns, rounds)
    slower = [times.ratio(other, OURS) if other in turns else None for other in others]
    totals = [times.ratio(OURS, product) if product in turns else None for product in PRODUCTS]
    return name, batch, f"{active:.0%}", 1e3 * times.median(OURS) / batch, *slower, *totals, differing


def candidates(network: Network, batch: int) -> tuple[dict[str, Callable[[], float]], int, float]:
    """Candidate -> its turn; in how many values the engine without int8 products differs; share of neurons that fire in a step."""
    chip, fed = network.program.deployment.chip, network.chip_inputs(batch)
    engine, plain = ReferenceEngine(chip, "cpu"), ReferenceEngine(chip, "cpu")
    with patch.object(cpu, "is_exact", lambda: False):
        without = plain.run(fed)  # lays out its weights, for good
    steps = next(iter(fed.values())).shape[0]
    currents = network.currents(batch)
    runs: dict[str, Callable[[], object] | None] = {
        OURS: lambda: engine.run(fed),
        WITHOUT_INT8: lambda: plain.run(fed),
        "int8 products": int8_products(chip, steps, batch),
        "float32 products": float32_products(chip, steps, batch, engine.device),
    }
    if network.as_written:
        runs[WRITTEN] = zero_state_forward(network.source, network.tensors(batch), engine.device)
    for name, make in installed().items():
        part = network.chip_part(make)
        runs[name] = lambda part=part: part(currents)
    turns: dict[str, Callable[[], float]] = {name: Stopwatch(run) for name, run in runs.items() if run is not None}
    return turns, _differing(engine.run(fed), without), _active(network, without)


def _differing(a: Trace, b: Trace) -> int:
    counts = [int((a.outputs[name] != b.outputs[name]).sum()) for name in a.outputs]
    return sum(counts) + int(a.events != b.events)


def _active(network: Network, trace: Trace) -> float:
    """The share of the model's own neurons that fire, over populations, samples and steps."""
    names = network.program.populations
    return sum(trace.events.spikes[name] for name in names) / sum(trace.events.updates[name] for name in names)
