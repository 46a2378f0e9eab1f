"""Blocks against the numpy replay, exactly: both attentions, both gates, with ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.cmsf.block import CmsfBlock, attention_block, comb_block
from models.networks.cmsf.config import CmsfConfig
from tests.models.networks.cmsf.oracle import SMALL, make_dyadic, oracle_of, random_counts


def _block_config(kind: str, gate: str, interleave: bool) -> tuple[CmsfConfig, CmsfBlock]:
    config = replace(SMALL, gate=gate, interleave=interleave)
    torch.manual_seed(0)
    block = attention_block(config) if kind == "attention" else comb_block(config)
    return config, block.eval()


@pytest.mark.parametrize("gate", ["analog", "spike"])
@pytest.mark.parametrize(("kind", "interleave"), [("attention", True), ("comb", True), ("comb", False)])
def test_block_equals_oracle_with_ties(kind: str, interleave: bool, gate: str) -> None:
    config, block = _block_config(kind, gate, interleave)
    for seed in range(3):
        make_dyadic(block, seed)
        x, y = random_counts((2, 4, 6, 8), 1, seed), random_counts((2, 4, 6, 8), 1, seed + 100)
        for module in block.modules():
            if hasattr(module, "reset"):
                module.reset()
        with torch.no_grad():
            spikes = block(x, y).numpy()
        oracle = oracle_of(block)
        np.testing.assert_array_equal(spikes, oracle.block("", x.double().numpy(), y.double().numpy(), config))
        assert oracle.ties > 20
        assert 0 < spikes.mean() < 2.9


def test_cross_attention_takes_fewer_keys_than_queries() -> None:
    config, block = _block_config("attention", "analog", interleave=True)
    make_dyadic(block, 7)
    x, y = random_counts((2, 3, 6, 8), 1, 1), random_counts((2, 3, 4, 8), 1, 2)
    with torch.no_grad():
        spikes = block(x, y).numpy()
    oracle = oracle_of(block)
    expected = oracle.block("", x.double().numpy(), y.double().numpy(), config)
    np.testing.assert_array_equal(spikes, expected)
