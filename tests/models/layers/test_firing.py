"""Rates of random networks: asked for and reached, also behind pools; the same every time; hooks are gone afterwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.firing import firing_rates, set_firing_rates
from models.layers.image_mlp import ImageMlp
from models.layers.masks import MaskAttention
from models.layers.neuron import lif_without_input_scaling
from models.layers.stems import DownsamplingStem
from models.taaf_network.resnet import SpikingResNet18


def _networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    torch.manual_seed(0)
    image = torch.rand(4, 6, 1, 16, 16)
    return {
        "stem": (DownsamplingStem(1, 8, "current", nn.Identity()), image),
        "mlp": (ImageMlp(1, 8), image),
        "resnet": (SpikingResNet18(1, 8, 3, 1, lif_without_input_scaling), image),
    }


@pytest.mark.parametrize("rate", [0.1, 0.3])
@pytest.mark.parametrize("name", ["stem", "mlp", "resnet"])
def test_rates_are_reached(name: str, rate: float) -> None:
    net, x = _networks()[name]
    set_firing_rates(net.eval(), {"x": x}, rate)
    for path, reached in firing_rates(net, {"x": x}).items():
        assert 0.5 * rate < reached < 1.7 * rate, path
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_neurons_without_a_norm_follow_from_their_inputs() -> None:
    net, x = MaskAttention(4, 2).eval(), (torch.rand(4, 6, 4, 5, 5) < 0.3).float()
    set_firing_rates(net, {"query": x, "memory": x}, 0.2)
    rates = firing_rates(net, {"query": x, "memory": x})
    assert rates["q_lif"] == pytest.approx(0.2, abs=0.05)
    assert rates["attn_lif"] > rates["q_lif"]


def test_the_same_every_time() -> None:
    (first, x), (second, _) = _networks()["stem"], _networks()["stem"]
    for net in (first.eval(), second.eval()):
        set_firing_rates(net, {"x": x})
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
