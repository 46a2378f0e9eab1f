"""Weights of time steps: published start, mean, shapes, and what is in a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.layers.neuron import sum_over_time
from models.networks.spikeclip.step_weights import give_step_weights


def _with_weights(kind: str, steps: int) -> nn.Module:
    module = nn.Module()
    give_step_weights(module, kind, steps)
    return module


def test_learned_weights_start_with_published_logarithms() -> None:
    weights = _with_weights("learned", 4).get_parameter("weights_tensor")
    assert weights.shape == (1, 4, 1)
    np.testing.assert_allclose(weights.detach().numpy().ravel(), np.log([0.1, 0.2, 0.4, 0.8]), atol=1e-4)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_mean_weights_average_and_are_in_no_checkpoint(steps: int) -> None:
    module, x = _with_weights("mean", steps), torch.rand(steps, 2, 5)
    torch.testing.assert_close(sum_over_time(x, module.get_buffer("weights_tensor")), x.mean(0))
    assert not list(module.parameters())
    assert not module.state_dict()
