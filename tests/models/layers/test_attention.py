"""Both attentions against loops over heads, combs and tokens, on layers that pass spikes through."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.attention import CombAttention, SpikeAttention

T, B, L, D = 2, 3, 6, 8


def transparent(attention: nn.Module) -> nn.Module:
    """Every projection passes spikes through: a current of 4 makes its neuron fire at once, and silence leaves it at zero."""
    for part in attention.modules():
        if isinstance(part, nn.Linear):
            part.weight.data = 4 * torch.eye(D)
            part.bias.data.zero_()
        if isinstance(part, nn.BatchNorm1d):
            part.eps = 0.0
    return attention.eval()


def spikes(tokens: int, seed: int, rate: float = 0.4) -> torch.Tensor:
    return (torch.rand(T, B, tokens, D, generator=torch.Generator().manual_seed(seed)) < rate).float()


def neuron(x: torch.Tensor, threshold: float) -> torch.Tensor:
    v, out = torch.zeros_like(x[0]), torch.zeros_like(x)
    for step, current in enumerate(x):
        v = v + (current - v) / 2
        out[step] = v >= threshold
        v = torch.where(out[step] > 0, 0.0, v)
    return out


@pytest.mark.parametrize("keys", [L, 4])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_every_head_adds_up_values_by_how_often_query_and_key_agree(heads: int, keys: int) -> None:
    q, m = spikes(L, 0, 0.7), spikes(keys, 1, 0.7)
    mixed, width = torch.zeros(T, B, L, D), D // heads
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        for j in range(keys):
            agree = (q[..., own] * m[:, :, j : j + 1, own]).sum(-1, keepdim=True)
            mixed[..., own] += agree * m[:, :, j : j + 1, own]
    expected = neuron(mixed / 8, 0.5)
    assert 0 < expected.mean() < 1
    with torch.no_grad():
        assert torch.equal(transparent(SpikeAttention(D, heads))(q, m), expected)


@pytest.mark.parametrize("interleave", [False, True])
@pytest.mark.parametrize("combs", [1, 2, 3, 6])
def test_a_comb_of_queries_opens_the_keys_of_its_comb(combs: int, interleave: bool) -> None:
    q, k = spikes(L, 2), spikes(L, 3, 0.7)
    expected, size = torch.zeros(T, B, L, D), L // combs
    for comb in range(combs):
        fired = q[:, :, comb * size : (comb + 1) * size].amax(2)
        for j in range(size):
            place = j * combs + comb if interleave else comb * size + j
            expected[:, :, place] = fired * k[:, :, comb * size + j]
    assert 0 < expected.mean() < k.mean()
    with torch.no_grad():
        assert torch.equal(transparent(CombAttention(D, combs, interleave))(q, k), expected)


def test_names_are_those_of_published_checkpoints() -> None:
    shared = {f"{name}_{part}" for name in ("q", "k", "proj") for part in ("linear", "bn")}
    for attention, names in ((SpikeAttention(D, 2), {"v_linear", "v_bn"}), (CombAttention(D, 2, True), set[str]())):
        assert {key.partition(".")[0] for key in attention.state_dict()} == shared | names
