"""
MS-ResNet as its authors write it: neurons written out (decay 1/4, threshold 1/2, `>`), a write per step, norms over time and space.

Hu et al., Advancing Spiking Neural Networks towards Deep Residual Learning, TNNLS 2024.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image

THRESHOLD, DECAY, STEPS = 0.5, 0.25, 6


class Fire(torch.autograd.Function):
    """1 above the threshold, with a rectangle for its gradient."""

    @staticmethod
    def forward(ctx: Any, v: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(v)
        return v.gt(THRESHOLD).float()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (v,) = ctx.saved_tensors
        return gradients[0] * (abs(v - THRESHOLD) < 0.5).float()


class MemUpdate(nn.Module):
    """mem <- 1/4 mem (1 - spike) + x; fires above 1/2; (T, B, C, H, W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mem = torch.zeros_like(x[0])
        spike = torch.zeros_like(x[0])
        output = torch.zeros_like(x)
        mem_old = 0
        for step in range(STEPS):
            mem = mem_old * DECAY * (1 - spike.detach()) + x[step] if step >= 1 else x[step]
            spike = Fire.apply(mem)
            mem_old = mem.clone()
            output[step] = spike
        return output


class Norm(nn.Module):
    """A batch norm over time too, as one of three dimensions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm3d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.transpose(0, 2).contiguous().transpose(0, 1).contiguous()
        return self.bn(y).contiguous().transpose(0, 1).contiguous().transpose(0, 2)


class Conv(nn.Conv2d):
    """A convolution of every step, written into place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height = (x.size()[3] - self.kernel_size[0] + 2 * self.padding[0]) // self.stride[0] + 1
        width = (x.size()[4] - self.kernel_size[0] + 2 * self.padding[0]) // self.stride[0] + 1
        out = torch.zeros(STEPS, x.size()[1], self.out_channels, height, width, device=x.device)
        for step in range(STEPS):
            out[step] = F.conv2d(x[step], self.weight, self.bias, self.stride, self.padding)
        return out


class Block(nn.Module):
    """Neurons, convolution, norm, twice; the sum of currents with the input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *(MemUpdate(), Conv(inputs, outputs, 3, stride, 1, bias=False), Norm(outputs)),
            *(MemUpdate(), Conv(outputs, outputs, 3, 1, 1, bias=False), Norm(outputs)),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(Conv(inputs, outputs, 1, stride, bias=False), Norm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.residual(x) + self.shortcut(x)


class MsResNet(nn.Module):
    """Stem, stages, neurons, averages over the picture and time, linear read-out."""

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(Conv(3, channels[0], 7, 2, 3, bias=False), Norm(channels[0]))
        stages, inputs = list[nn.Module](), channels[0]
        for outputs, count in zip(channels, blocks, strict=True):
            for index in range(count):
                stages.append(Block(inputs, outputs, 1 if index else 2))
                inputs = outputs
        self.stages, self.mem_update = nn.Sequential(*stages), MemUpdate()
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        repeated = torch.zeros(STEPS, x.size()[0], 3, x.size()[2], x.size()[3], device=x.device)
        for step in range(STEPS):
            repeated[step] = x
        out = self.mem_update(self.stages(self.conv1(repeated)))
        out = F.adaptive_avg_pool3d(out, (None, 1, 1))
        out = out.view(out.size()[0], out.size()[1], -1)
        out = out.sum(dim=0) / out.size()[0]
        return self.fc(out)


def ms_resnet(size: Size) -> Case:
    """MS-ResNet-18, T = 6."""
    torch.manual_seed(0)
    if size == "published":
        net, x = MsResNet((64, 128, 256, 512), (2, 2, 2, 2), 1000), image(1, 3, 224)
    else:
        net, x = MsResNet((4, 8), (1, 2), 10), image(2, 3, 32)
    return Case(awake(net, {"x": x}, MemUpdate), {"x": x}, steps=STEPS)
