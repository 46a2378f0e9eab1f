"""Table 5 of the paper, cell by cell, from the network at published size; and the comparison with like counted as like."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models.layers import image_attention
from models.layers.image_attention import ImageAttention
from models.networks.snnergy.complexity import StageSize, stage_sizes, totals_as_printed
from models.networks.snnergy.fusion import CrossResidual
from tests.models.layers.operations import dense_operations
from tests.models.networks.snnergy.test_network import published

TOKENS = (1024, 256, 64)
PRINTED = {192: ((37.7, 37.7, 37.7), (201.3, 25.2, 3.1)), 96: ((9.4, 9.4, 9.4), (100.7, 12.6, 1.6))}
"""Base width -> CMQKA and SSA per stage, in millions."""
TOTALS = {192: (78.5, 113.1, 229.6), 96: (20.4, 28.2, 114.9)}
"""Base width -> as the network is, all CMQKA, all SSA, in millions."""
EXACT = {192: (78.6, 113.2, 229.6), 96: (20.4, 28.3, 114.8)}


@pytest.mark.slow
@pytest.mark.parametrize("width", PRINTED)
def test_table_of_the_paper(width: int) -> None:
    """Every cell follows from N and D. The printed totals add cells that are rounded already; four differ from the exact sums."""
    network, inputs = published(width)
    sizes = stage_sizes(network, inputs)
    assert sizes == tuple(StageSize(tokens, width * 2**stage) for stage, tokens in enumerate(TOKENS))
    cells = (tuple(s.cmqka_as_printed for s in sizes), tuple(s.ssa_as_printed for s in sizes))
    assert tuple(tuple(round(n / 1e6, 1) for n in row) for row in cells) == PRINTED[width]
    assert tuple(round(n / 1e6, 1) for n in totals_as_printed(sizes)) == EXACT[width]
    (c1, c2, c3), (s1, s2, s3) = PRINTED[width]
    assert [round(n, 1) for n in (c1 + c2 + s3, c1 + c2 + c3, s1 + s2 + s3)] == list(TOTALS[width])


@pytest.mark.slow
def test_projections_of_a_block_are_what_the_network_has() -> None:
    network, inputs = published(96)
    layers = dense_operations(network, inputs)
    for stage, size in enumerate(stage_sizes(network, inputs), start=1):
        attention = "ssa" if stage == 3 else "tssa"
        own = sum(n for path, n in layers.items() if path.startswith(f"video.stage{stage}.0.{attention}."))
        assert own == 4 * size.cmqka_as_printed


@pytest.mark.parametrize(("tokens", "width"), [(1024, 192), (256, 384), (64, 768), (64, 384)])
def test_like_for_like_masks_are_cheaper_everywhere(tokens: int, width: int) -> None:
    size = StageSize(tokens, width)
    assert size.cmqka == 4 * tokens * width**2 + 4 * tokens * width
    assert size.cmqka < min(size.ssa, size.ssa_keys_first(heads=8))
    assert size.ssa - size.cmqka == 2 * tokens * width * (tokens - 2)


@pytest.mark.parametrize("order", ["as published", "keys first"])
@pytest.mark.parametrize("fusion", ["ssa", "s-cmrl"])
def test_attentions_have_the_operations_that_torch_counts(
    fusion: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch counts two floating-point operations for a term, over all steps."""
    heads, steps, size = 2, 3, StageSize(tokens=10, width=8)
    if order == "keys first":
        monkeypatch.setattr(image_attention, "attend", lambda q, k, v: q @ (k.transpose(-2, -1) @ v))
    module = ImageAttention(size.width, heads) if fusion == "ssa" else CrossResidual(size.width, heads)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*torch.ones(2, steps, 1, size.width, 2, 5))
    expected = {
        ("ssa", "as published"): size.ssa,
        ("ssa", "keys first"): size.ssa_keys_first(heads),
        ("s-cmrl", "as published"): size.s_cmrl(steps),
        ("s-cmrl", "keys first"): size.s_cmrl_keys_first(heads),
    }
    assert counter.get_total_flops() == 2 * steps * expected[fusion, order]
