"""The neuron by its equation, the synapses in front of it, the read-out over time, the initialisation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.neuron import (
    TIME_WEIGHTS,
    drive,
    fire,
    l2_normalise,
    lif,
    sum_over_time,
    time_weights,
    truncated_normal_init,
)


@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_the_neuron_halves_the_way_to_its_current_fires_at_the_threshold_and_resets(threshold: float) -> None:
    x = torch.randint(-3, 9, (6, 50), generator=torch.Generator().manual_seed(0)) / 2
    v, expected, ties = torch.zeros(50), torch.zeros(6, 50), 0
    for step, current in enumerate(x):
        v = v + (current - v) / 2
        expected[step] = v >= threshold
        ties += int((v == threshold).sum())
        v = torch.where(expected[step] > 0, 0.0, v)
    assert ties
    assert torch.equal(lif(threshold)(x), expected)


def test_gradients_pass_the_spikes_and_not_the_reset() -> None:
    """A sigmoid of slope 4 at v - 1 = 0 has the derivative 1; the current counts half."""
    x = torch.tensor([[2.0], [0.0]], requires_grad=True)
    spikes = lif()(x)
    assert spikes.flatten().tolist() == [1, 0]
    (gradient,) = torch.autograd.grad(spikes[0].sum(), x)
    assert gradient.flatten().tolist() == [0.5, 0]


def test_a_layer_is_synapses_a_norm_over_channels_and_the_neuron() -> None:
    torch.manual_seed(0)
    linear, norm = nn.Linear(3, 2), nn.BatchNorm1d(2).eval()
    norm.running_mean = torch.tensor([0.25, -0.5])
    norm.running_var = torch.tensor([4.0, 0.25])
    x = torch.rand(2, 4, 5, 3) * 8
    current = (linear(x) - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps)
    spikes = fire(x, linear, norm, lif())
    assert spikes.shape == (2, 4, 5, 2)
    assert 0 < spikes.mean() < 1
    assert torch.equal(spikes, lif()(current))
    assert torch.equal(drive(linear(x).flatten(0, 1), norm, lif(), x), spikes)


def test_time_steps_are_weighted_and_added() -> None:
    weights = time_weights(3)
    assert weights.shape == (1, 3, 1, 1)
    assert weights.requires_grad
    assert weights.flatten().tolist() == pytest.approx(TIME_WEIGHTS[:3])
    x = torch.arange(3 * 2 * 4 * 5.0).reshape(3, 2, 4, 5)
    expected = sum(weight * step for weight, step in zip(TIME_WEIGHTS, x, strict=False))
    assert torch.allclose(sum_over_time(x, weights), torch.as_tensor(expected))


def test_tokens_get_unit_length_and_silent_ones_stay_zero() -> None:
    x = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])
    assert torch.allclose(l2_normalise(x), torch.tensor([[[0.6, 0.8], [0.0, 0.0]]]))


def test_tokens_without_spikes_do_not_spoil_a_training():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    unit = l2_normalise(x)
    (unit * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert torch.equal(unit.detach(), l2_normalise(x.detach()))
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.tensor([[-0.064, 0.048], [3.0, 4.0]]), atol=1e-6)


def test_initial_weights_are_small_biases_zero_and_norms_plain() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(200, 100), nn.LayerNorm(100), nn.BatchNorm1d(100))
    for part in layers:
        nn.init.constant_(part.bias, 7.0)
    layers[1].weight.data.fill_(7.0)
    layers.apply(truncated_normal_init)
    assert layers[0].weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert not layers[0].bias.any()
    assert (layers[1].weight == 1).all()
    assert not layers[1].bias.any()
    assert (layers[2].bias == 7).all()
