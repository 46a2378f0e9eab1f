"""
Energies of SNNergy's fusion blocks, which its paper prints no formula for: ours, E_AC T R FL, with the rates of its Table 4.

FL are those of its Table 5, N D^2 and N^2 D, and what a block has (`models.networks.snnergy.complexity`). R of the attention is
the mean of the rates of Q and K, that of the MLP the mean of its two layers; those of what a block reads are not printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.published import accumulated
from models.networks.snnergy.complexity import FUSED_STAGES, StageSize
from models.zoo.page import grid
from tests.published.table5 import HEADS
from tests.reproduction.printed import PRINTED, millijoules
from tests.reproduction.text import number, percent, section

STEPS: int = PRINTED["snnergy"]["steps"]
HEAD = """## SNNergy, Table 5 with the rates of Table 4

Table 5 follows from the graph, cell by cell: [published sizes](published-sizes.md#snnergys-table-5). The paper prints neither a formula of
energy nor an energy; these are ours*, per modality and sample: E_AC T R FL, one block per stage, R of the attention the mean of the printed
rates of Q and K, R of the MLP that of its layers. **FL of Table 5** is one projection or one product; **attention** is what the block has.
{source}.
"""


@dataclass(frozen=True)
class Block:
    """The fusion block of a stage, for one modality: operations per step, rates."""

    size: StageSize
    fused: bool
    """Whether its attention is CMQKA, otherwise SSA."""
    attention_rate: Fraction
    mlp_rate: Fraction

    @property
    def printed(self) -> int:
        """The attention's operations in Table 5."""
        return self.size.cmqka_as_printed if self.fused else self.size.ssa_as_printed

    @property
    def attention(self) -> int:
        """Those that the attention has, products in the order that costs less."""
        return self.size.cmqka if self.fused else min(self.size.ssa, self.size.ssa_keys_first(HEADS))

    @property
    def mlp(self) -> int:
        """8 N D^2."""
        return 8 * self.size.cmqka_as_printed

    @property
    def energies_mj(self) -> tuple[Fraction, ...]:
        """Of the attention as printed and as it is, and of the MLP."""
        charged = (
            (self.printed, self.attention_rate),
            (self.attention, self.attention_rate),
            (self.mlp, self.mlp_rate),
        )
        return tuple(millijoules(ArithmeticWork(*accumulated(STEPS, rate, flops))) for flops, rate in charged)


def blocks(data_set: str) -> tuple[Block, ...]:
    """One per stage."""
    rates = PRINTED["snnergy"]["rates"][data_set]
    return tuple(
        Block(
            StageSize(tokens, rates["width"] << stage),
            stage < FUSED_STAGES,
            (rates["Q"][stage] + rates["K"][stage]) / 2,
            (rates["Layer1"][stage] + rates["Layer2"][stage]) / 2,
        )
        for stage, tokens in enumerate(PRINTED["snnergy"]["tokens"])
    )


def snnergy() -> str:
    """The page's section."""
    columns = ("", "N", "D", "kind", "FL of Table 5, M", "attention, M", "MLP, M", "R", "R of the MLP")
    rows = [row for data_set in PRINTED["snnergy"]["rates"] for row in _rows(data_set)]
    table = grid((*columns, "by Table 5, uJ", "attention, uJ", "MLP, uJ"), rows)
    return section(HEAD.format(source=PRINTED["snnergy"]["source"]), table)


def _rows(data_set: str) -> list[tuple[str, ...]]:
    found = blocks(data_set)
    totals = [sum(energies, Fraction(0)) for energies in zip(*(block.energies_mj for block in found), strict=True)]
    stages = [(f"{data_set}, stage {stage}", *_cells(block)) for stage, block in enumerate(found, start=1)]
    return [*stages, (f"{data_set}, all", *[""] * 8, *map(_uj, totals))]


def _cells(block: Block) -> tuple[str, ...]:
    return (
        number(block.size.tokens),
        number(block.size.width),
        "CMQKA" if block.fused else "SSA",
        *(f"{flops / 1e6:.1f}" for flops in (block.printed, block.attention, block.mlp)),
        percent(block.attention_rate),
        percent(block.mlp_rate),
        *map(_uj, block.energies_mj),
    )


def _uj(energy_mj: Fraction) -> str:
    return f"{float(energy_mj) * 1e3:.1f}"
