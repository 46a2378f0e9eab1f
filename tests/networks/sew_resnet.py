"""
SEW-ResNet as its authors write it: a picture that the network repeats itself, `unsqueeze_`, `out += identity` on spikes.

Fang et al., Deep Residual Learning in Spiking Neural Networks, NeurIPS 2021.
"""

from __future__ import annotations

import torch
from spikingjelly.clock_driven import layer, neuron
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return layer.SeqToANNContainer(conv, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions, each followed by IF neurons, and the element-wise function of their spikes and the block's input."""

    def __init__(self, inputs: int, outputs: int, stride: int, connect: str) -> None:
        super().__init__()
        self.connect = connect
        self.conv1, self.sn1 = _conv(inputs, outputs, 3, stride), neuron.MultiStepIFNode(detach_reset=True)
        self.conv2, self.sn2 = _conv(outputs, outputs, 3), neuron.MultiStepIFNode(detach_reset=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                _conv(inputs, outputs, 1, stride), neuron.MultiStepIFNode(detach_reset=True)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x
        out = self.sn1(self.conv1(x))
        out = self.sn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        if self.connect == "ADD":
            out += identity
        elif self.connect == "AND":
            out *= identity
        else:
            out = identity * (1.0 - out)
        return out


class SewResNet(nn.Module):
    """Stem, stages of blocks, average over the picture and over time, linear read-out."""

    def __init__(
        self, channels: tuple[int, ...], blocks: tuple[int, ...], classes: int, steps: int, connect: str
    ) -> None:
        super().__init__()
        self.T = steps
        self.conv1 = nn.Conv2d(3, channels[0], 7, stride=2, padding=3, bias=False)
        self.bn1, self.sn1 = nn.BatchNorm2d(channels[0]), neuron.MultiStepIFNode(detach_reset=True)
        self.maxpool = layer.SeqToANNContainer(nn.MaxPool2d(3, stride=2, padding=1))
        stages, inputs = list[nn.Module](), channels[0]
        for place, (outputs, count) in enumerate(zip(channels, blocks, strict=True)):
            for index in range(count):
                stages.append(Block(inputs, outputs, 2 if place and not index else 1, connect))
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.avgpool = layer.SeqToANNContainer(nn.AdaptiveAvgPool2d((1, 1)))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(x))
        x.unsqueeze_(0)
        x = x.repeat(self.T, 1, 1, 1, 1)
        x = self.maxpool(self.sn1(x))
        x = self.avgpool(self.stages(x))
        x = torch.flatten(x, 2)
        return self.fc(x.mean(dim=0))


def _build(size: Size, connect: str) -> Case:
    torch.manual_seed(0)
    if size == "published":
        net, x = SewResNet((64, 128, 256, 512), (2, 2, 2, 2), 1000, 4, connect), image(1, 3, 224)
    else:
        net, x = SewResNet((4, 8), (1, 2), 10, 4, connect), image(2, 3, 32)
    return Case(awake(net, {"x": x}), {"x": x}, steps=4)


def add(size: Size) -> Case:
    """SEW-ResNet-18 ADD."""
    return _build(size, "ADD")


def conjunction(size: Size) -> Case:
    """SEW-ResNet-18 AND."""
    return _build(size, "AND")


def inhibition(size: Size) -> Case:
    """SEW-ResNet-18 IAND."""
    return _build(size, "IAND")
