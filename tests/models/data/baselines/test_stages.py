"""Small convolutions, with spikes and without."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import functional

from models.data.baselines.stages import ConvolutionStage, branch


@pytest.mark.parametrize("kind", ["spiking", "relu"])
def test_a_branch_halves_the_image_in_each_stage(kind: str):
    torch.manual_seed(0)
    network = branch((1, 4, 8), kind)
    features = network(4 * torch.rand(3, 2, 1, 16, 16))
    assert features.shape == (3, 2, 8 * 4 * 4)
    assert features.min() == 0
    assert bool(((features == 0) | (features == 1)).all()) is (kind == "spiking")


def test_lif_has_the_published_dynamics():
    """v <- v + (x - v) / 2 from 0, and a spike at 1: a current of 1.5 fires in the second step."""
    stage = ConvolutionStage(1, 1, "spiking")
    functional.reset_net(stage)
    spikes = stage.neuron(torch.full((4, 1, 1, 1, 1), 1.5))
    assert spikes.flatten().tolist() == [0, 1, 0, 1]
