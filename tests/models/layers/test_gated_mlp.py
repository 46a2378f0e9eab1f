"""The gated MLPs: what reaches the output projection, and the names that published checkpoints have."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.gated_mlp import GatedMLP, SpikeGatedMLP

STEPS, BATCH, TOKENS, WIDTH, HIDDEN = 3, 2, 4, 6, 10
SPIKES = torch.randint(0, 2, (STEPS, BATCH, TOKENS, WIDTH), generator=torch.Generator().manual_seed(1)).float()


def products(mlp: nn.Module) -> torch.Tensor:
    """What reaches the output projection, (T * B, tokens, hidden) or (T, B, tokens, hidden)."""
    torch.nn.init.normal_(mlp.to_hidden_linear.weight, std=3.0, generator=torch.Generator().manual_seed(2))
    received: list[torch.Tensor] = []
    mlp.to_out.register_forward_pre_hook(lambda _module, args: received.append(args[0]))
    with torch.no_grad():
        spikes = mlp.eval()(SPIKES)
    assert spikes.shape == SPIKES.shape
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    return received[0]


def test_an_analog_gate_passes_its_own_values_where_the_neuron_fires() -> None:
    mlp = GatedMLP(WIDTH, HIDDEN)
    passed = products(mlp)
    gate = mlp.to_hidden_linear(SPIKES.flatten(0, 1)).chunk(2, dim=-1)[1]
    fired = passed != 0
    assert 0 < fired.float().mean() < 1
    assert torch.equal(passed[fired], gate[fired])


def test_a_spiking_gate_is_an_and() -> None:
    mlp = SpikeGatedMLP(WIDTH, HIDDEN)
    both: list[torch.Tensor] = []
    for neuron in (mlp.to_hidden_v_lif, mlp.to_hidden_gate_lif):
        neuron.register_forward_hook(lambda _module, _args, spikes: both.append(spikes.bool()))
    passed = products(mlp).reshape(both[0].shape)
    assert torch.equal(passed, (both[0] & both[1]).float())
    assert passed.any()


@pytest.mark.parametrize(("mlp", "gate"), [(GatedMLP, []), (SpikeGatedMLP, ["to_hidden_gate_bn"])])
def test_names_are_the_published_ones(mlp: type[nn.Module], gate: list[str]) -> None:
    names = {name.split(".")[0] for name in mlp(WIDTH, HIDDEN).state_dict()}
    assert names == {"to_hidden_linear", "to_hidden_v_bn", "to_out", "to_bn", *gate}
