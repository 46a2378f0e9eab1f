"""
Spike-driven Transformer V2 and V3 in their authors' style: separable and re-parameterised convolutions whose borders are written in.

V2: Yao et al., ICLR 2024, LIF over T steps. V3: Yao et al., TPAMI 2025, integers 0..4 of one step, as `round(clamp(x, 0, 4)) / 4`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image
from tests.networks.spikformer import lif

MakeNeurons = Callable[[], nn.Module]


class Quant(torch.autograd.Function):
    """The whole number next to x, from `low` to `high`."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, low: float, high: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return torch.round(torch.clamp(x, min=low, max=high))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return gradients[0] * ((x >= ctx.low) & (x <= ctx.high)), None, None


class MultiSpike(nn.Module):
    """0, 1/4 .. 1: the share of spikes in four virtual steps."""

    def __init__(self, max_value: int = 4) -> None:
        super().__init__()
        self.max_value = max_value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Quant.apply(x, 0, self.max_value) / self.max_value


class NormAndPad(nn.Module):
    """A norm, and a border of what it makes of zeros."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = F.pad(self.bn(x), [1] * 4)
        values = self.bn.bias.detach() - self.bn.running_mean * self.bn.weight.detach() / torch.sqrt(
            self.bn.running_var + self.bn.eps
        )
        values = values.view(1, -1, 1, 1)
        output[:, :, 0:1, :] = values
        output[:, :, -1:, :] = values
        output[:, :, :, 0:1] = values
        output[:, :, :, -1:] = values
        return output


def rep_conv(dim: int) -> nn.Module:
    """Kernel 1, norm with border, depthwise kernel 3, kernel 1, norm, and the norm that follows all of them."""
    body = nn.Sequential(
        nn.Conv2d(dim, dim, 1, bias=False),
        NormAndPad(dim),
        nn.Conv2d(dim, dim, 3, groups=dim, bias=False),
        nn.Conv2d(dim, dim, 1, bias=False),
        nn.BatchNorm2d(dim),
    )
    return nn.Sequential(body, nn.BatchNorm2d(dim))


class OverTime(nn.Module):
    """Modules of pictures on (T, B, C, H, W)."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B = x.shape[:2]
        x = self.body(x.flatten(0, 1))
        return x.reshape(T, B, *x.shape[1:]).contiguous()


class ConvBlock(nn.Module):
    """A separable convolution (kernel 7) and two full ones (kernel 3), each added to the stream of currents."""

    def __init__(self, dim: int, make: MakeNeurons, over: Callable[..., nn.Module]) -> None:
        super().__init__()
        wide = 2 * dim
        depthwise = nn.Conv2d(wide, wide, 7, padding=3, groups=wide, bias=False)
        self.conv = nn.Sequential(
            *(make(), over(nn.Conv2d(dim, wide, 1, bias=False), nn.BatchNorm2d(wide))),
            *(make(), over(depthwise, nn.Conv2d(wide, dim, 1, bias=False), nn.BatchNorm2d(dim))),
        )
        self.lif1, self.conv1 = make(), over(nn.Conv2d(dim, 4 * dim, 3, padding=1, bias=False), nn.BatchNorm2d(4 * dim))
        self.lif2, self.conv2 = make(), over(nn.Conv2d(4 * dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x) + x
        x_feat = x
        return x_feat + self.conv2(self.lif2(self.conv1(self.lif1(x))))


class Attention(nn.Module):
    """Q (K^T V) scale with re-parameterised convolutions; the leading axes are (T, B) or (B,)."""

    def __init__(
        self, dim: int, heads: int, make: MakeNeurons, over: Callable[..., nn.Module], last: nn.Module
    ) -> None:
        super().__init__()
        self.heads, self.head_lif, self.attn_lif = heads, make(), last
        self.scale = 0.125 if over is OverTime else (dim // heads) ** -0.5
        self.q, self.k, self.v = (nn.Sequential(over(rep_conv(dim)), make()) for _ in range(3))
        self.proj_conv = over(rep_conv(dim))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(-2)
        *lead, C, N = x.shape
        return x.transpose(-1, -2).reshape(*lead, N, self.heads, C // self.heads).transpose(-3, -2).contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = x.shape
        x = self.head_lif(x)
        q, k, v = self._split(self.q(x)), self._split(self.k(x)), self._split(self.v(x))
        x = k.transpose(-2, -1) @ v
        x = (q @ x) * self.scale
        x = x.transpose(-2, -1).reshape(*shape[:-2], shape[-2] * shape[-1]).contiguous()
        return self.proj_conv(self.attn_lif(x).reshape(shape))


class Block(nn.Module):
    """Attention and two layers of kernel 1, each added to the stream of currents."""

    def __init__(
        self, dim: int, heads: int, make: MakeNeurons, over: Callable[..., nn.Module], last: nn.Module
    ) -> None:
        super().__init__()
        self.attn = Attention(dim, heads, make, over, last)
        self.mlp = nn.Sequential(
            *(make(), over(nn.Conv2d(dim, 4 * dim, 1), nn.BatchNorm2d(4 * dim))),
            *(make(), over(nn.Conv2d(4 * dim, dim, 1), nn.BatchNorm2d(dim))),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


def _down(
    inputs: int, outputs: int, kernel: int, stride: int, over: Callable[..., nn.Module], *first: nn.Module
) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    return nn.Sequential(*first, over(conv, nn.BatchNorm2d(outputs)))


class MetaFormer(nn.Module):
    """Two stages of convolutions, two of attention, token mean, neurons, linear; T = `steps`, or no time axis at all."""

    def __init__(self, dims: tuple[int, ...], heads: int, depths: tuple[int, int], classes: int, steps: int) -> None:
        super().__init__()
        self.T = steps
        make: MakeNeurons = lif if steps else MultiSpike
        over, first, (a, b, c, d) = OverTime if steps else nn.Sequential, dims[0] // 2, dims
        last = lambda: lif(0.5) if steps else MultiSpike()
        self.features = nn.Sequential(
            *(_down(3, first, 7, 2, over), ConvBlock(first, make, over)),
            *(_down(first, a, 3, 2, over, make()), ConvBlock(a, make, over)),
            *(_down(a, b, 3, 2, over, make()), ConvBlock(b, make, over), ConvBlock(b, make, over)),
            *(_down(b, c, 3, 2, over, make()), *[Block(c, heads, make, over, last()) for _ in range(depths[0])]),
            *(_down(c, d, 3, 1, over, make()), *[Block(d, heads, make, over, last()) for _ in range(depths[1])]),
        )
        self.lif, self.head = make(), nn.Linear(d, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.T:
            x = (x.unsqueeze(0)).repeat(self.T, 1, 1, 1, 1)
        x = self.features(x).flatten(-2).mean(-1)
        x = self.head(self.lif(x))
        return x.mean(0) if self.T else x


def _build(size: Size, dims: tuple[int, ...], steps: int) -> Case:
    torch.manual_seed(0)
    if size == "published":
        net, x = MetaFormer(dims, 8, (6, 2), 1000, steps), image(1, 3, 224)
    else:
        net, x = MetaFormer((8, 8, 16, 16), 2, (1, 1), 5, steps), image(1, 3, 64)
    rate = 0.35 if size == "small" else 0.2
    return Case(awake(net, {"x": x}, MultiSpike, rate=rate), {"x": x}, steps=max(steps, 1))


def v2(size: Size) -> Case:
    """Meta-SpikeFormer, 15.1 million parameters, T = 1 as pre-trained (T = 4 in the small one)."""
    return _build(size, (64, 128, 256, 360), 1 if size == "published" else 4)


def v3(size: Size) -> Case:
    """V2's architecture with integer spikes in place of LIF, the base form of V3."""
    return _build(size, (64, 128, 256, 360), 0)
