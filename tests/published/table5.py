"""
Table 5 of SNNergy's paper, read from the compiled graph: tokens N and width D of every stage, and what attention really costs.

The keys of a stage are N D neurons with N D^2 synapses. The paper sets N D^2 for CMQKA against N^2 D for spiking self attention
(SSA): one projection of the one against one product of the other. `models.networks.snnergy.complexity` has both, and all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.networks.snnergy.complexity import StageSize, totals_as_printed
from tests.published.counting import Count, Counts

HEADS = 8
"""Of the published sizes."""
PATHS = {1: "stage1.0.tssa", 2: "stage2.0.tssa", 3: "stage3.0.ssa"}
"""Stage -> the attention of its first block."""


@dataclass(frozen=True)
class Stage:
    """One stage of the graph, for one modality."""

    tokens: int
    width: int
    projections: int
    """Synapses of queries, keys, values and the like, one copy each."""
    between: int
    """Operations that sum up masks and open keys, or those of products of queries, keys and values."""

    @property
    def size(self) -> StageSize:
        """N and D alone."""
        return StageSize(self.tokens, self.width)


def stages(counts: Counts) -> tuple[Stage, ...]:
    """The three stages, video; audio has as many."""
    return tuple(_stage(counts, f"video.{path}") for path in PATHS.values())


def _stage(counts: Counts, path: str) -> Stage:
    own = {name.removeprefix(path): count for name, count in counts.layers.items() if name.startswith(path)}
    keys = ".spatial.k" if ".spatial.k_conv" in own else ".k"
    neurons, synapses = own[f"{keys}_lif"]["neurons"], own[f"{keys}_conv"]["synapses"]
    width = synapses // neurons
    projections = sum(count["synapses"] for name, count in own.items() if name.endswith("_conv"))
    total = sum(own.values(), Count())
    return Stage(neurons // width, width, projections, total["synapses"] - projections + total["masked"])


def printed(sizes: Sequence[StageSize]) -> list[tuple[str, ...]]:
    """The paper's 6 cells of one width and 3 totals, in millions, from N and D."""
    rows = [(str(k), *_millions(size.cmqka_as_printed, size.ssa_as_printed)) for k, size in enumerate(sizes, start=1)]
    hybrid, cmqka, ssa = totals_as_printed(sizes)
    return [*rows, ("all", *_millions(cmqka, ssa)), ("as the network is", *_millions(hybrid), "")]


def _millions(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number / 1e6:.1f}" for number in numbers)
