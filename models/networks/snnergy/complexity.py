"""
SNNergy's table 5: operations of the two kinds of attention in each stage, as the paper counts them and as they are.

The paper sets `N D^2` for CMQKA against `N^2 D` for spiking self attention (SSA), N tokens of width D: one projection of the one
against one product of the other. What a block and direction really has, in synapses per step: four projections, `4 N D^2`, in
both; CMQKA's masks and their products with the keys, `4 N D`; SSA's two products, `2 N^2 D`, or `2 N D^2 / h` in the order
Q (K^T V). By that CMQKA is the cheaper one in every stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from models.networks.snnergy.network import FusionBlock, GlobalBlock, Snnergy

FUSED_STAGES = 2
"""Stages with CMQKA; the others have SSA."""


@dataclass(frozen=True)
class StageSize:
    """Tokens N and width D of a stage, for one modality."""

    tokens: int
    width: int

    @property
    def cmqka_as_printed(self) -> int:
        """`N D^2`."""
        return self.tokens * self.width**2

    @property
    def ssa_as_printed(self) -> int:
        """`N^2 D`."""
        return self.tokens**2 * self.width

    @property
    def cmqka(self) -> int:
        """`4 N D^2 + 4 N D`: queries and keys of two paths, masks, masked keys."""
        return 4 * self.cmqka_as_printed + 4 * self.tokens * self.width

    @property
    def ssa(self) -> int:
        """`4 N D^2 + 2 N^2 D`: queries, keys, values and the last projection, then (Q K^T) V."""
        return 4 * self.cmqka_as_printed + 2 * self.ssa_as_printed

    def ssa_keys_first(self, heads: int) -> int:
        """`4 N D^2 + 2 N D^2 / h`: the same with Q (K^T V)."""
        return 4 * self.cmqka_as_printed + 2 * self.cmqka_as_printed // heads

    def s_cmrl(self, steps: int) -> int:
        """`8 N D^2 + 2 N^2 D + 2 N T D`: the same for pixels and once more for T steps, as S-CMRL has it, (Q K^T) V."""
        return 2 * (4 * self.cmqka_as_printed + self.ssa_as_printed + self.tokens * steps * self.width)

    def s_cmrl_keys_first(self, heads: int) -> int:
        """`8 N D^2 + 4 N D^2 / h`: with Q (K^T V) in both attentions."""
        return 2 * self.ssa_keys_first(heads)


@torch.no_grad()
def stage_sizes(network: Snnergy, inputs: dict[str, torch.Tensor]) -> tuple[StageSize, ...]:
    """N and D of the three stages, from what enters the first block of each in a forward (video; audio has as many)."""
    sizes: list[StageSize] = []

    def record(_block: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        _, _, width, rows, columns = args[0].shape
        sizes.append(StageSize(rows * columns, width))

    firsts = [blocks[0] for _, blocks in network.video.stages()]
    assert all(isinstance(block, (FusionBlock, GlobalBlock)) for block in firsts)
    hooks = [block.register_forward_pre_hook(record) for block in firsts]
    network(**inputs)
    for hook in hooks:
        hook.remove()
    return tuple(sizes)


def totals_as_printed(sizes: Sequence[StageSize]) -> tuple[int, int, int]:
    """Sums over the stages of the paper's numbers: as the network is, all CMQKA, all SSA."""
    cmqka, ssa = [size.cmqka_as_printed for size in sizes], [size.ssa_as_printed for size in sizes]
    return sum(cmqka[:FUSED_STAGES]) + sum(ssa[FUSED_STAGES:]), sum(cmqka), sum(ssa)
