"""Layers on spike images against step-by-step loops."""

from __future__ import annotations

import torch
from torch import nn

from models.layers.images import convolve, fire_image, pool_image, pool_orders, tokens
from models.layers.neuron import lif


def _norm() -> nn.BatchNorm2d:
    bn = nn.BatchNorm2d(4)
    bn.running_mean = torch.tensor([0.5, -0.25, 0.0, 1.0])
    return bn.eval()


def test_convolution_sees_every_step_by_itself() -> None:
    x, conv, bn = torch.rand(3, 2, 2, 5, 6), nn.Conv2d(2, 4, 3, padding=1), _norm()
    each = torch.stack([bn(conv(step)) for step in x])
    torch.testing.assert_close(convolve(x, conv, bn), each)


def test_neurons_integrate_over_steps() -> None:
    torch.manual_seed(3)
    x, conv, bn, v = 3 * torch.rand(4, 2, 2, 5, 6), nn.Conv2d(2, 4, 1), _norm(), torch.zeros(2, 4, 5, 6)
    conv.weight.data.abs_()
    spikes = list[torch.Tensor]()
    for step in convolve(x, conv, bn):
        v = v + (step - v) / 2
        spikes.append((v >= 1).float())
        v = v * (1 - spikes[-1])
    expected = torch.stack(spikes)
    assert expected.any()
    assert torch.equal(fire_image(x, conv, bn, lif()), expected)


def test_pool_and_tokens() -> None:
    x = (torch.rand(3, 2, 4, 6, 6) < 0.3).float()
    pooled = pool_image(x, nn.MaxPool2d(2))
    assert torch.equal(pooled[1, 0, 2], nn.MaxPool2d(2)(x[1, 0, 2][None])[0])
    assert torch.equal(tokens(x)[2, 1, 6 * 3 + 4], x[2, 1, :, 3, 4])


def test_orders_of_pool_and_neurons_agree_in_the_first_step_alone() -> None:
    torch.manual_seed(0)
    currents, orders = 2 * torch.rand(4, 2, 3, 6, 6), pool_orders("analog")
    behind, before = (orders[name](currents, nn.MaxPool2d(2), lif()) for name in ("analog", "spike"))
    assert [*orders] == ["analog", "spike"]
    assert torch.equal(behind[0], before[0]), "a maximum commutes with a threshold"
    assert not torch.equal(behind, before)
