"""Spikes and gradients of SpikingJelly's own neuron, from one node in the graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from models.layers.neuron import lif, lif_without_input_scaling
from models.training.fused_lif import RUN, use_fused_lif


def _spikes_and_gradients(node: LIFNode, x: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = x.clone().requires_grad_()
    functional.reset_net(node)
    spikes = node(x)
    (spikes * weights).sum().backward()
    assert x.grad is not None
    return spikes.detach(), x.grad


@pytest.mark.parametrize("neuron", [lif, lif_without_input_scaling])
@pytest.mark.parametrize("threshold", [1.0, 0.5])
@pytest.mark.parametrize("shape", [(4, 3, 5), (1, 2, 3), (4, 2, RUN - 7)])
def test_spikes_and_gradients_are_spikingjellys(
    neuron: Callable[[float], LIFNode], threshold: float, shape: tuple[int, ...]
) -> None:
    rng = torch.Generator().manual_seed(0)
    x = (torch.randn(shape, generator=rng) * 16).round() / 8  # ties with the threshold among them
    weights = torch.randn(shape, generator=rng)
    fused = nn.Sequential(neuron(threshold))
    use_fused_lif(fused)
    spikes, gradients = _spikes_and_gradients(neuron(threshold), x, weights)
    ours, our_gradients = _spikes_and_gradients(fused[0], x, weights)  # pyright: ignore[reportArgumentType]
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, ours)
    torch.testing.assert_close(gradients, our_gradients, rtol=1e-5, atol=1e-7)


def test_a_state_is_not_carried_over() -> None:
    node = nn.Sequential(lif())
    use_fused_lif(node)
    x = torch.full((2, 3), 0.9)
    assert torch.equal(node(x), node(x))


def test_other_neurons_are_refused() -> None:
    with pytest.raises(ValueError, match="no fused steps for LIFNode"):
        use_fused_lif(nn.Sequential(LIFNode(tau=4.0)))
