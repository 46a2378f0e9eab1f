"""The convolutions that all small networks have: with spikes, or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

NEURONS: dict[str, Callable[[], nn.Module]] = {
    "spiking": lambda: neuron.LIFNode(surrogate_function=surrogate.Sigmoid(4.0), detach_reset=True, step_mode="m"),
    "relu": nn.ReLU,
}
"""LIF with tau 2 and a hard reset, or none at all."""


class ConvolutionStage(nn.Module):
    """Convolution by two, batch norm over time and batch, neuron: (T, batch, channels, height, width)."""

    def __init__(self, before: int, after: int, kind: str) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.neuron = NEURONS[kind]()

    def forward(self, images: Tensor) -> Tensor:
        currents = self.norm(self.convolution(images.flatten(0, 1)))
        return self.neuron(currents.unflatten(0, images.shape[:2]))


def branch(channels: Sequence[int], kind: str) -> nn.Sequential:
    """A stage from each number of channels to the next, then features (T, batch, n)."""
    stages = [ConvolutionStage(before, after, kind) for before, after in pairwise(channels)]
    return nn.Sequential(*stages, nn.Flatten(start_dim=2))
