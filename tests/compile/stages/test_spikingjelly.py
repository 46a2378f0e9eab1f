"""SpikingJelly's own building blocks, compiled on both targets: the float program gives the module's own outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.model import sew_resnet, spiking_resnet
from spikingjelly.activation_based.neuron import IFNode, LIFNode, ParametricLIFNode
from torch import nn

from compile import compile_model

torch.set_num_threads(1)
STEPS = 3
Tensor = torch.Tensor


def _stem() -> list[nn.Module]:
    return [layer.Conv2d(2, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), IFNode(), layer.MaxPool2d(3, 2, 1)]


class Residual(nn.Module):
    """A stem, a block and a block that halves the picture, as in SEW-ResNet and Spiking ResNet."""

    def __init__(self, block: Callable[..., nn.Module]) -> None:
        super().__init__()
        down = nn.Sequential(layer.Conv2d(4, 6, 1, stride=2, bias=False), layer.BatchNorm2d(6))
        self.body = nn.Sequential(*_stem(), block(4, 4), block(4, 6, stride=2, downsample=down))
        self.pool, self.fc = layer.AdaptiveAvgPool2d((1, 1)), layer.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.pool(self.body(x)), 2)).mean(0)


class Stepping(nn.Module):
    """A loop over the steps in forward, neurons in single-step mode."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(*_stem(), layer.Flatten(), layer.Linear(64, 6), ParametricLIFNode(v_reset=-0.25))

    def forward(self, x: Tensor) -> Tensor:
        out = 0
        for t in range(x.shape[0]):
            out += self.net(x[t])
        return out / x.shape[0]


def _sew(cnf: str) -> nn.Module:
    def block(*sizes: int, **options: object) -> nn.Module:
        return sew_resnet.BasicBlock(*sizes, cnf=cnf, spiking_neuron=LIFNode, **options)

    return Residual(block)


def _spiking_resnet() -> nn.Module:
    return Residual(lambda *sizes, **options: spiking_resnet.BasicBlock(*sizes, spiking_neuron=IFNode, **options))


def _gesture() -> nn.Module:
    """As CIFAR10DVSNet and DVSGestureNet: conv, norm, neuron, maximum pooling; votes at the end."""
    return nn.Sequential(
        *_stem(),
        layer.Conv2d(4, 4, 3, padding=1, bias=False),
        layer.BatchNorm2d(4),
        LIFNode(),
        layer.MaxPool2d(2, 2),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(16, 12),
        LIFNode(),
        layer.VotingLayer(4),
    )


MODELS: dict[str, Callable[[], nn.Module]] = {
    "sew add": lambda: _sew("ADD"),
    "sew and": lambda: _sew("AND"),
    "sew iand": lambda: _sew("IAND"),
    "spiking resnet": _spiking_resnet,
    "gesture net": _gesture,
    "loop": Stepping,
}


def _lively(net: nn.Module) -> nn.Module:
    """Weights under which every layer fires."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 1, 3)
            nn.init.uniform_(module.bias, 0, 1)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.05, 0.5)
    if not isinstance(net, Stepping):
        functional.set_step_mode(net, "m")
    return net.eval()


@pytest.mark.lava
@pytest.mark.parametrize("name", MODELS)
def test_the_programs_give_the_modules_outputs(name: str) -> None:
    torch.manual_seed(0)
    net = _lively(MODELS[name]())
    x = (torch.rand(STEPS, 2, 2, 8, 8) < 0.4).float()
    with torch.no_grad():
        functional.reset_net(net)
        expected = net(x).numpy()
        functional.reset_net(net)
    assert expected.std() > 0.01
    outputs: dict[str, np.ndarray] = {}
    for target, precision in (("gpu", "float"), ("loihi", "float"), ("gpu", "int"), ("loihi", "int")):
        program = compile_model(net, target=target, precision=precision, example=x)
        output = np.asarray(program.run(x).outputs["output"])
        outputs[f"{target} {precision}"] = output.reshape(expected.shape)
    np.testing.assert_allclose(outputs["gpu float"], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(outputs["loihi float"], outputs["gpu float"])
    np.testing.assert_array_equal(outputs["loihi int"], outputs["gpu int"])
