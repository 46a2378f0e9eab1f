"""Spikingformer's layers against the numpy replay, exactly, with ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.layers.spikingformer import SpikingformerAttention, SpikingformerBlock, SpikingformerMlp
from tests.models.networks.spikeclip.oracle import eighths, make_dyadic, oracle_of

T, B, D = 4, 3, 16


def _fresh(layer: nn.Module, seed: int) -> nn.Module:
    make_dyadic(layer.eval(), seed)
    return layer


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_equals_loops_over_heads_and_queries(heads: int, seed: int) -> None:
    attention, stream = _fresh(SpikingformerAttention(D, heads), seed), eighths((T, B, D, 2, 3), -8, 24, seed)
    with torch.no_grad():
        currents = attention(stream.clone())
    oracle = oracle_of(attention)
    np.testing.assert_array_equal(currents.numpy(), oracle.spikingformer_attention("", stream.double().numpy(), heads))
    assert oracle.ties > 20
    assert currents.std(dim=(0, 1, 3, 4)).max() > 0, "some attention neurons fire, some do not"


@pytest.mark.parametrize("seed", range(3))
def test_mlp_equals_the_equations(seed: int) -> None:
    mlp, stream = _fresh(SpikingformerMlp(D, 24), seed), eighths((T, B, D, 2, 3), -8, 24, seed)
    with torch.no_grad():
        currents = mlp(stream.clone())
    oracle = oracle_of(mlp)
    np.testing.assert_array_equal(currents.numpy(), oracle.spikingformer_mlp("", stream.double().numpy()))
    assert oracle.ties > 20


def test_block_adds_currents_to_the_stream() -> None:
    block, stream = _fresh(SpikingformerBlock(D, 2, 24), 5), eighths((T, B, D, 3, 2), -8, 24, 5)
    with torch.no_grad():
        result = block(stream.clone())
    np.testing.assert_array_equal(result.numpy(), oracle_of(block).spikingformer_block("", stream.double().numpy(), 2))
    assert result.min() < 0


def test_neurons_see_the_stream_alone() -> None:
    """What a layer adds depends on the spikes of the stream: currents that are too small to fire add what silence adds."""
    block = _fresh(SpikingformerBlock(D, 2, 24), 5)
    quiet, silent = torch.full((T, B, D, 3, 2), 0.5), torch.zeros(T, B, D, 3, 2)
    with torch.no_grad():
        attention = block.get_submodule("attn")
        first = attention(quiet)
        for module in attention.modules():
            if hasattr(module, "reset"):
                module.reset()  # pyright: ignore
        assert torch.equal(first, attention(silent))
