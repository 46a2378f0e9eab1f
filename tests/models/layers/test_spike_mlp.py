"""The spike MLP against a replay of its two layers."""

from __future__ import annotations

import numpy as np
import torch

from models.layers.spike_mlp import SpikeMlp
from tests.models.networks.spikeclip.oracle import make_dyadic, oracle_of


def test_two_layers_of_neurons_behind_norms() -> None:
    mlp = SpikeMlp(8, 12).eval()
    make_dyadic(mlp, 3)
    mlp.fc2_bn.bias.data += 1
    x = torch.randint(0, 3, (4, 2, 5, 8), generator=torch.Generator().manual_seed(1)).float()
    with torch.no_grad():
        spikes = mlp(x)
    oracle, expected = oracle_of(mlp), x.double().numpy()
    for layer in ("fc1", "fc2"):
        expected = oracle.layer(f"{layer}_linear", f"{layer}_bn", expected)
    np.testing.assert_array_equal(spikes.numpy(), expected)
    assert oracle.ties > 10
    assert 0.1 < expected.mean() < 0.9
