"""Random weights with which neurons fire: rates asked for and reached, on residual streams and behind pools; the same every time."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from models.layers.firing import TARGET_RATE, firing_rates, set_firing_rates
from models.layers.image_mlp import ImageMlp
from models.layers.masks import MaskAttention
from models.layers.neuron import lif, lif_without_input_scaling
from models.layers.patch_stem import PatchStem
from models.layers.spikingformer import SpikingformerBlock
from models.layers.stems import DownsamplingStem
from models.networks.taaf.resnet import SpikingResNet18


class _Stream(nn.Module):
    """Stem, two blocks, linear, neurons."""

    def __init__(self, pool: str) -> None:
        super().__init__()
        self.stem = PatchStem(3, 16, pool)
        self.blocks = nn.Sequential(SpikingformerBlock(16, 2, 32), SpikingformerBlock(16, 2, 32))
        self.fc, self.last = nn.Linear(16, 40), lif()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for module in self.modules():
            if hasattr(module, "reset"):
                module.reset()  # pyright: ignore
        return self.last(self.fc(self.blocks(self.stem(images)).flatten(3).mean(3)))


@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_every_population_behind_weights_fires_at_the_target_rate(pool: str) -> None:
    torch.manual_seed(0)
    network, images = _Stream(pool).eval(), torch.rand(4, 8, 3, 16, 16)
    set_firing_rates(network, {"images": images})
    rates = firing_rates(network, {"images": images})
    assert len(rates) == 4 + 2 * 7 + 1
    for path, rate in rates.items():
        if path.endswith("attn_lif"):
            assert rate > 0
        else:
            assert rate == pytest.approx(TARGET_RATE, rel=0.15), path
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def _networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    torch.manual_seed(0)
    image = torch.rand(4, 6, 1, 16, 16)
    return {
        "stem": (DownsamplingStem(1, 8, "current", nn.Identity()), image),
        "mlp": (ImageMlp(1, 8), image),
        "many steps": (
            nn.Sequential(
                layer.Conv2d(1, 8, 3, bias=False, step_mode="m"),
                layer.BatchNorm2d(8, step_mode="m"),
                neuron.ParametricLIFNode(init_tau=3.0, step_mode="m"),
                layer.Flatten(step_mode="m"),
                layer.Linear(8 * 14 * 14, 50, step_mode="m"),
                neuron.ParametricLIFNode(step_mode="m"),
            ),
            image,
        ),
        "resnet": (SpikingResNet18(1, 8, 3, 1, lif_without_input_scaling), image),
    }


@pytest.mark.parametrize("rate", [0.1, 0.3])
@pytest.mark.parametrize("name", ["stem", "mlp", "many steps", "resnet"])
def test_rates_are_reached(name: str, rate: float) -> None:
    net, x = _networks()[name]
    name = "input" if isinstance(net, nn.Sequential) else "x"
    set_firing_rates(net.eval(), {name: x}, rate)
    for path, reached in firing_rates(net, {name: x}).items():
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
