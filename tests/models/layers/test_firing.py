"""Random weights with which neurons fire: norms, linear layers, residual streams of currents."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.firing import TARGET_RATE, firing_rates, set_firing_rates
from models.layers.neuron import lif
from models.layers.patch_stem import PatchStem
from models.layers.spikingformer import SpikingformerBlock


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
