"""A phase may end right behind a batch norm: the host reads the normed currents as values, neurons beside it the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.layer import SeqToANNContainer
from spikingjelly.activation_based.neuron import LIFNode
from torch import Tensor, nn

from compile import compile_model

STEPS = 4

READERS: dict[str, Callable[[Tensor], Tensor]] = {
    "a mean over time": lambda y: y.mean(0, keepdim=True).expand(y.shape),
    "currents and their mean": lambda y: y + y.mean(0, keepdim=True),
    "a maximum over time": lambda y: y.amax(0, keepdim=True) - y,
    "a softmax over tokens": lambda y: (16 * y.flatten(3).softmax(-1)).reshape(y.shape),
    "currents and their gates": lambda y: y * torch.sigmoid(y.mean((3, 4), keepdim=True)),
    "an activation": lambda y: nn.functional.gelu(y),
}


class Network(nn.Module):
    """Neurons, a normed convolution, what the host makes of it, neurons; the currents of others beside, if `shared`."""

    def __init__(self, reader: Callable[[Tensor], Tensor], shared: bool) -> None:
        super().__init__()
        self.reader, self.shared = reader, shared
        self.stem = SeqToANNContainer(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.block = SeqToANNContainer(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
        self.out = SeqToANNContainer(nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3))
        self.first, self.own, self.last, self.end = (LIFNode(step_mode="m", v_threshold=0.25) for _ in range(4))
        for norm in (module for module in self.modules() if isinstance(module, nn.BatchNorm2d)):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.1, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 2, 5, 5) -> (T, B, 3, 5, 5)."""
        y = self.block(self.first(self.stem(x)))
        read = self.reader(y)
        return self.end(self.out(self.last(read + self.own(y) if self.shared else read)))


def _forward(module: nn.Module, x: Tensor) -> np.ndarray[Any, Any]:
    functional.reset_net(module)
    with torch.no_grad():
        return module(x).numpy()


def _case(reader: str, shared: bool) -> nn.Module:
    torch.manual_seed(0)
    return Network(READERS[reader], shared).eval()


def _spikes(steps: int) -> Tensor:
    return (torch.rand(steps, 3, 2, 5, 5, generator=torch.Generator().manual_seed(steps)) < 0.5).float()


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("reader", READERS)
def test_it_fires_as_the_module_in_windows_of_any_length(reader: str, shared: bool) -> None:
    module = _case(reader, shared)
    program = compile_model(module, "gpu", precision="float", example=_spikes(STEPS))
    assert len(program.phases) == 2
    for steps in (STEPS, 2, 7):
        expected = _forward(module, _spikes(steps))
        assert 0 < expected.mean() < 1
        assert np.array_equal(program.run(_spikes(steps)).outputs["output"], expected)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("reader", ["a mean over time", "a softmax over tokens"])
def test_lava_agrees(reader: str) -> None:
    assert compile_model(_case(reader, shared=True), "loihi", example=_spikes(STEPS)).report(_spikes(STEPS)).passed
