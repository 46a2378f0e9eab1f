"""Layers that pool before their neurons fire, of SpikingJelly, snnTorch and Norse: spikes are the module's own, ties included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from norse.torch import LIFBoxCell, LIFBoxParameters
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import BaseNode, IFNode, LIFNode
from torch import nn

from compile import compile_model
from ir.errors import DeployError

torch.set_num_threads(1)
STEPS = 4
Tensor = torch.Tensor


def _dyadic(net: nn.Module) -> nn.Module:
    """Weights and norms on grids, so that integers hold them exactly, and sums often lie on thresholds."""
    for module in net.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            for array in module.parameters():
                array.data = torch.round(array.data * 24) / 8
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            channels = torch.arange(module.num_features)
            module.running_var = torch.tensor([1.0, 4.0, 0.25])[channels % 3]
            module.running_mean, module.eps = channels / 4 - 0.5, 0.0
            module.weight.data, module.bias.data = torch.tensor([1.0, -0.5])[channels % 2], channels / 8
    return net.eval()


def _jelly_stem() -> nn.Module:
    """Of SDT-V1, SpikeCLIP and SPEDS: norm, maximum, neurons, twice."""
    first = [layer.Conv2d(2, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), layer.MaxPool2d(3, 2, 1), LIFNode()]
    second = [layer.Conv2d(4, 6, 3, padding=1), layer.BatchNorm2d(6), layer.MaxPool2d(2), IFNode()]
    net = nn.Sequential(*first, *second)
    functional.set_step_mode(net, "m")
    return net


def _norm_behind() -> nn.Module:
    net = nn.Sequential(layer.Conv2d(2, 4, 3), layer.MaxPool2d(2, ceil_mode=True), layer.BatchNorm2d(4), LIFNode())
    functional.set_step_mode(net, "m")
    return net


class Series(nn.Module):
    """One axis, overlapping windows, and a linear layer behind a maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = layer.Conv1d(2, 3, 3, padding=1, step_mode="m"), layer.Linear(12, 5, step_mode="m")
        self.pool = layer.MaxPool1d(3, 1, dilation=2, step_mode="m")
        self.first, self.second = (LIFNode(step_mode="m", v_reset=None, decay_input=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.pool(self.conv(x[..., 0].contiguous())))
        return self.second(self.fc(x.flatten(2)))


class Tutorial(nn.Module):
    """snnTorch's tutorial 6: F.max_pool2d of the convolution's result, then Leaky."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3), nn.Conv2d(4, 3, 2)
        snntorch = pytest.importorskip("snntorch")
        self.leaky, self.again = snntorch.Leaky(beta=0.5), snntorch.Leaky(beta=0.75)

    def forward(self, x: Tensor) -> Tensor:
        a, b, out = self.leaky.init_leaky(), self.again.init_leaky(), list[Tensor]()
        for now in x:
            spikes, a = self.leaky(nn.functional.max_pool2d(self.first(now), 2), a)
            spikes, b = self.again(nn.functional.max_pool2d(self.second(spikes), 2), b)
            out.append(spikes)
        return torch.stack(out)


class Box(nn.Module):
    """Norse, whose neuron has an input gain of 1/10; adaptive pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv2d(2, 4, 3), nn.AdaptiveMaxPool2d(3)
        self.cell = LIFBoxCell(LIFBoxParameters(tau_mem_inv=torch.tensor(500.0)))

    def forward(self, x: Tensor) -> Tensor:
        state, out = None, list[Tensor]()
        for now in x:
            spikes, state = self.cell(4 * self.pool(self.conv(now)), state)
            out.append(spikes)
        return torch.stack(out)


NETS: dict[str, Callable[[], nn.Module]] = {
    "SpikingJelly": _jelly_stem,
    "norm behind": _norm_behind,
    "one axis": Series,
    "snnTorch": Tutorial,
    "Norse": Box,
}


def _net(name: str) -> tuple[nn.Module, Tensor, np.ndarray]:
    """A module, spikes for it, and its own spikes."""
    torch.manual_seed(0)
    net = _dyadic(NETS[name]())
    x = (torch.rand(STEPS, 6, 2, 8, 8) < 0.3).float()
    spikes = _spikes(net, x)
    assert 0.05 < spikes.mean() < 0.95
    return net, x, spikes


def _spikes(net: nn.Module, x: Tensor) -> np.ndarray:
    with torch.no_grad():
        spikes = net(x).numpy()
    for module in net.modules():
        if isinstance(module, BaseNode):
            module.reset()
    return spikes


WAYS = (
    {},
    {"precision": "float"},
    {"lower": {"analog-max-pool": "tree"}},
    pytest.param({"target": "loihi"}, marks=pytest.mark.lava),
    pytest.param({"target": "loihi", "precision": "float", "profile": "loihi1"}, marks=pytest.mark.lava),
)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", NETS)
def test_spikes_are_the_module_s_own(name: str, way: dict[str, object]):
    net, x, spikes = _net(name)
    program = compile_model(net, **{"target": "gpu", "example": x, **way})  # pyright: ignore[reportArgumentType]
    (got,) = program.run(x).outputs.values()
    np.testing.assert_array_equal(got, spikes)


@pytest.mark.parametrize("name", NETS)
def test_trained_weights_in_floats_are_the_module_s_own_too(name: str):
    torch.manual_seed(1)
    net, x = NETS[name]().eval(), (torch.rand(STEPS, 6, 2, 8, 8) < 0.3).float()
    spikes = _spikes(net, x)
    (got,) = compile_model(net, "gpu", precision="float", example=x).run(x).outputs.values()
    np.testing.assert_array_equal(got, spikes)


def test_analog_inputs_are_pooled_on_the_host():
    net, x, _ = _net("SpikingJelly")
    deployment = compile_model(net, "gpu", example=x + 0.25).deployment
    assert "max_pool" in {node.op.kind for node in deployment.prologue.nodes.values()}
    assert not any(node.name.startswith("2.") for node in deployment.chip.nodes.values() if node.op.family == "neuron")


def test_without_payloads_the_ways_out_are_named():
    net, x, _ = _net("snnTorch")
    with pytest.raises(DeployError, match=r"average pooling.*--precision float") as error:
        compile_model(net, "gpu", profile="loihi1", example=x)
    assert len(error.value.violations) == 2
