"""The reference backend on CUDA: samples per second, and SpikingJelly on the same device; skipped where there is none."""

from __future__ import annotations

import torch

from backends.reference.engine import ReferenceEngine
from compile.benchmark.network import zero_state_forward
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import Stopwatch, take_turns
from tests.bench.networks import NETWORKS, Network

OURS, JELLY = "engine", "SpikingJelly"
COLUMNS = ("network", "batch", "engine, samples per s", "SpikingJelly / engine", "differing values")
BATCHES, QUICK_BATCHES = (1, 8, 64, 256), (1, 64)
NOTE = "Inputs and outputs on the host. SpikingJelly runs the model as written. Values are compared with the engine on the CPU."


def table(quick: bool) -> Table:
    """The whole table: networks x batches."""
    if not torch.cuda.is_available():
        return Table("GPU", COLUMNS, (), "Skipped: torch finds no CUDA device.")
    cases = [(name, batch) for name in NETWORKS for batch in (QUICK_BATCHES if quick else BATCHES)]
    rows = tuple(_row(name, NETWORKS[name](), batch, 3 if quick else 7) for name, batch in cases)
    return Table(f"GPU: {torch.cuda.get_device_name()}", COLUMNS, rows, NOTE)


def _row(name: str, network: Network, batch: int, rounds: int) -> tuple[Cell, ...]:
    chip, fed = network.program.deployment.chip, network.chip_inputs(batch)
    engine = ReferenceEngine(chip, "cuda")
    forward = zero_state_forward(network.source, network.tensors(batch), engine.device)
    times = take_turns({OURS: Stopwatch(lambda: engine.run(fed)), JELLY: Stopwatch(forward)}, rounds)
    found, wanted = engine.run(fed).outputs, ReferenceEngine(chip, "cpu").run(fed).outputs
    differing = sum(int((found[key] != wanted[key]).sum()) for key in wanted)
    return name, batch, batch / times.median(OURS), times.ratio(JELLY, OURS), differing
