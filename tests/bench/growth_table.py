"""How time grows with T, batch, N and D: sizes in turns, and the exponent of the line through their logarithms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from backends.reference.engine import ReferenceEngine
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import Stopwatch, take_turns
from models.networks.cmsf.config import CmsfConfig
from tests.bench.networks import Network, block, mlp

COLUMNS = ("axis", "size", "ms", "time / the first's", "the same per unit", "exponent", "fixed")
NOTE = (
    "Time of one run of the reference backend; exponent: slope of log time over log size, least squares over the axis' sizes. "
    "Base sizes are such that what a call costs whatever its size is a few percent of the smallest."
)
HEADS = 8


@dataclass(frozen=True)
class Axis:
    """
    One size that grows while the others stay.

    case: size -> network and batch. fixed: what stays.
    """

    sizes: tuple[int, ...]
    case: Callable[[int], tuple[Network, int]]
    fixed: str


@lru_cache(maxsize=1)
def _block(tokens: int, width: int) -> Network:
    config = CmsfConfig(tokens, tokens, width, 4 * width, width, width, HEADS, combs=1, fusion="none")
    return block(config)


AXES: Mapping[str, Axis] = {
    "T": Axis((4, 8, 16, 32, 64), lambda steps: (mlp(steps=steps), 256), "MLP 784-512-512-10, batch 256"),
    "batch": Axis((4, 8, 16, 32, 64), lambda batch: (_block(36, 1024), batch), "CMSF block, N=36 D=1024, T=2"),
    "N": Axis(
        (4, 8, 16, 32, 64), lambda tokens: (_block(tokens, 512), 64), "CMSF block, D=512 (64 per head), T=2, batch 64"
    ),
    "D": Axis((256, 512, 1024, 2048), lambda width: (_block(36, width), 8), "CMSF block, N=36, T=2, batch 8"),
}
QUICK_SIZES = {"T": (4, 8, 16, 32), "batch": (4, 8, 16), "N": (4, 8, 16, 32), "D": (256, 512, 1024)}
FULL_ROUNDS, QUICK_ROUNDS = 5, 3


def table(quick: bool) -> Table:
    """Every axis; fewer sizes if quick."""
    if quick:
        return table_of(AXES, QUICK_SIZES, QUICK_ROUNDS)
    return table_of(AXES, {name: axis.sizes for name, axis in AXES.items()}, FULL_ROUNDS)


def table_of(axes: Mapping[str, Axis], sizes: Mapping[str, tuple[int, ...]], rounds: int) -> Table:
    """One row for each size of each axis."""
    rows = [row for name, axis in axes.items() for row in _rows(name, axis, sizes[name], rounds)]
    return Table("Growth", COLUMNS, tuple(rows), NOTE)


def _rows(name: str, axis: Axis, sizes: tuple[int, ...], rounds: int) -> list[tuple[Cell, ...]]:
    turns = {str(size): Stopwatch(_run(*axis.case(size))) for size in sizes}
    times = take_turns(turns, rounds)
    ratios = [times.ratio(str(size), str(sizes[0])) for size in sizes]
    slope = exponent(sizes, ratios)
    return [
        (name, size, 1e3 * times.median(str(size)), ratio, ratio * sizes[0] / size, slope, axis.fixed)
        for size, ratio in zip(sizes, ratios, strict=True)
    ]


def _run(network: Network, batch: int) -> Callable[[], object]:
    engine, fed = ReferenceEngine(network.program.deployment.chip, "cpu"), network.chip_inputs(batch)
    return lambda: engine.run(fed)


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The power of the size with which time grows."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
