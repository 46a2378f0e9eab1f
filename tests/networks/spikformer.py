"""
spikformer and Spikingformer in their authors' style: `x.flatten(0, 1)`, heads by reshape and permute, the scale after the products.

Zhou et al., Spikformer, ICLR 2023 (neurons behind every norm, sums of spikes); Zhou et al., Spikingformer, arXiv 2304.11954
(neurons before every convolution, sums of currents, maximum pools of spikes).
"""

from __future__ import annotations

import torch
from spikingjelly.clock_driven.neuron import MultiStepLIFNode
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image


def lif(threshold: float = 1.0) -> nn.Module:
    """The neuron of all these papers."""
    return MultiStepLIFNode(tau=2.0, v_threshold=threshold, detach_reset=True, backend="torch")


class TokenUnit(nn.Module):
    """Linear, norm over channels, neurons; (T, B, N, C)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear, self.bn, self.lif = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, N, _ = x.shape
        x = self.linear(x.flatten(0, 1))
        x = self.bn(x.transpose(-1, -2)).transpose(-1, -2).reshape(T, B, N, -1).contiguous()
        return self.lif(x)


class SpikformerAttention(nn.Module):
    """SSA: (Q K^T scale) V of spikes, neurons with threshold 1/2, projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, 0.125
        self.q, self.k, self.v = TokenUnit(dim, dim), TokenUnit(dim, dim), TokenUnit(dim, dim)
        self.attn_lif, self.proj = lif(0.5), TokenUnit(dim, dim)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        T, B, N, C = x.shape
        return x.reshape(T, B, N, self.heads, C // self.heads).permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, N, C = x.shape
        q, k, v = self._split(self.q(x)), self._split(self.k(x)), self._split(self.v(x))
        attn = (q @ k.transpose(-2, -1)) * self.scale
        x = (attn @ v).transpose(2, 3).reshape(T, B, N, C).contiguous()
        return self.proj(self.attn_lif(x))


class SpikformerBlock(nn.Module):
    """Attention and two layers, each added to the stream of spikes."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn = SpikformerAttention(dim, heads)
        self.mlp = nn.Sequential(TokenUnit(dim, 4 * dim), TokenUnit(4 * dim, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class ImageUnit(nn.Module):
    """Convolution and norm with neurons behind them, `first` before them, (T, B, C, H, W); a pool of spikes in between."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *modules: nn.Module) -> None:
        super().__init__()
        self.before, self.pool, self.after = (*modules, *[nn.Identity()] * 3)[:3]
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B = x.shape[:2]
        x = self.pool(self.before(x).flatten(0, 1))
        x = self.bn(self.conv(x))
        return self.after(x.reshape(T, B, *x.shape[1:]).contiguous())


def pool() -> nn.Module:
    """The pool of all these papers, that halves a picture."""
    return nn.MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)


class Spikformer(nn.Module):
    """Four convolutions with two pools of spikes, a position encoding by convolution, blocks, token and time mean, linear."""

    def __init__(self, dim: int, heads: int, depth: int, classes: int, steps: int) -> None:
        super().__init__()
        self.T, none = steps, nn.Identity
        self.sps = nn.Sequential(
            ImageUnit(3, dim // 8, 3, none(), none(), lif()),
            ImageUnit(dim // 8, dim // 4, 3, none(), none(), lif()),
            ImageUnit(dim // 4, dim // 2, 3, none(), none(), lif()),
            ImageUnit(dim // 2, dim, 3, none(), pool(), lif()),
        )
        self.pool = pool()
        self.rpe = ImageUnit(dim, dim, 3, none(), none(), lif())
        self.block = nn.ModuleList([SpikformerBlock(dim, heads) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x.unsqueeze(0)).repeat(self.T, 1, 1, 1, 1)
        T, B = x.shape[:2]
        x = self.pool(self.sps(x).flatten(0, 1))
        x = x.reshape(T, B, *x.shape[1:]).contiguous()
        x = self.rpe(x) + x
        x = x.flatten(-2).transpose(-1, -2)
        for block in self.block:
            x = block(x)
        return self.head(x.mean(2).mean(0))


class SpikingformerAttention(nn.Module):
    """Neurons first; (Q K^T) V scale; convolutions of kernel 1 over tokens; currents out."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.proj_lif, self.attn_lif = heads, lif(), lif(0.5)
        for name in ("q", "k", "v"):
            setattr(self, f"{name}_conv", nn.Conv1d(dim, dim, kernel_size=1, bias=False))
            setattr(self, f"{name}_bn", nn.BatchNorm1d(dim))
            setattr(self, f"{name}_lif", lif())
        self.proj_conv, self.proj_bn = nn.Conv1d(dim, dim, kernel_size=1), nn.BatchNorm1d(dim)

    def _project(self, name: str, x: torch.Tensor) -> torch.Tensor:
        T, B, C, N = x.shape
        out = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1))).reshape(T, B, C, N)
        out = getattr(self, f"{name}_lif")(out)
        return out.transpose(-1, -2).reshape(T, B, N, self.heads, C // self.heads).permute(0, 1, 3, 2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, C, H, W = x.shape
        x = self.proj_lif(x).flatten(3)
        q, k, v = self._project("q", x), self._project("k", x), self._project("v", x)
        x = ((q @ k.transpose(-2, -1)) @ v) * 0.125
        x = self.attn_lif(x.transpose(3, 4).reshape(T, B, C, H * W))
        return self.proj_bn(self.proj_conv(x.flatten(0, 1))).reshape(T, B, C, H, W)


class SpikingformerBlock(nn.Module):
    """Attention and two convolutions of kernel 1, each added to the stream of currents."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn = SpikingformerAttention(dim, heads)
        self.mlp = nn.Sequential(ImageUnit(dim, 4 * dim, 1, lif()), ImageUnit(4 * dim, dim, 1, lif()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikingformer(nn.Module):
    """Five convolutions, blocks, token and time mean of currents, linear."""

    def __init__(self, dim: int, heads: int, depth: int, classes: int, steps: int) -> None:
        super().__init__()
        self.T = steps
        self.patch_embed = nn.Sequential(
            ImageUnit(3, dim // 8, 3),
            ImageUnit(dim // 8, dim // 4, 3, lif()),
            ImageUnit(dim // 4, dim // 2, 3, lif()),
            ImageUnit(dim // 2, dim, 3, lif(), pool()),
            ImageUnit(dim, dim, 3, lif(), pool()),
        )
        self.block = nn.ModuleList([SpikingformerBlock(dim, heads) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x.unsqueeze(0)).repeat(self.T, 1, 1, 1, 1)
        x = self.patch_embed(x)
        for block in self.block:
            x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))


def _build(kind: type[nn.Module], size: Size) -> Case:
    torch.manual_seed(0)
    if size == "published":
        net, x, rate = kind(384, 12, 4, 10, 4), image(1, 3, 32), 0.15
    else:
        net, x, rate = kind(16, 2, 1, 5, 4), image(2, 3, 16), 0.35
    return Case(awake(net, {"x": x}, rate=rate), {"x": x}, steps=4)


def spikformer(size: Size) -> Case:
    """Spikformer-4-384 for CIFAR-10."""
    return _build(Spikformer, size)


def spikingformer(size: Size) -> Case:
    """Spikingformer-4-384 for CIFAR-10."""
    return _build(Spikingformer, size)
