"""Membranes of one sample, in the units of the imported network, against SpikingJelly's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.measure import membranes as module
from compile.measure.membranes import SHOWN, membranes

STEPS = 6


def network() -> nn.Sequential:
    torch.manual_seed(0)
    hidden = neuron.LIFNode(tau=2.0, v_threshold=1.5, step_mode="m", decay_input=False)
    net = nn.Sequential(nn.Linear(5, 8, bias=False), hidden, nn.Linear(8, 3, bias=False), neuron.IFNode(step_mode="m"))
    for layer in (net[0], net[2]):
        layer.weight.data = torch.randint(-8, 16, layer.weight.shape) / 16.0  # exact in integers
    return net


def charged(node: neuron.BaseNode, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(v before the reset, spikes) at every step."""
    node.reset()
    node.step_mode, v, spikes = "s", list[torch.Tensor](), list[torch.Tensor]()
    for now in x:
        node.v_float_to_tensor(now)
        node.neuronal_charge(now)
        v.append(node.v.clone())
        spikes.append(node.neuronal_fire())
        node.neuronal_reset(spikes[-1])
    node.reset()
    node.step_mode = "m"
    return torch.stack(v), torch.stack(spikes)


@pytest.mark.parametrize("precision", ["int", "float"])
def test_they_are_what_the_threshold_meets(precision: str):
    net = network()
    x = (torch.rand(STEPS, 4, 5) < 0.6).float()
    program = compile_model(net, target="gpu", precision=precision, example=x)
    found = membranes(program, {name: x[:, :1].numpy() for name in program.inputs})
    with torch.no_grad():
        first = charged(net[1], net[0](x[:, :1]))
        second = charged(net[3], net[2](first[1]))
    assert first[1].sum() > 3
    for own, (v, spikes) in zip(found.values(), (first, second), strict=True):
        expected = v[:, 0].numpy()[:, own.neurons]
        if precision == "int":
            np.testing.assert_allclose(own.v, expected, rtol=0, atol=1e-3)  # ties are broken by a part of a unit
            assert own.threshold is not None
            fires = own.v > own.threshold
            np.testing.assert_array_equal(fires, spikes[:, 0].numpy()[:, own.neurons] > 0)
        counts = spikes[:, 0].sum(0).numpy()
        assert len(own.neurons) == min(SHOWN, len(counts))
        assert counts[own.neurons].min() >= np.delete(counts, own.neurons).max(initial=0)


def test_a_network_that_is_too_large_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    x = torch.ones(STEPS, 1, 5)
    program = compile_model(network(), target="gpu", example=x)
    monkeypatch.setattr(module, "MOST", 5 * 8 * STEPS)
    assert membranes(program, {name: x.numpy() for name in program.inputs}) == {}
