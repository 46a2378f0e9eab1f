"""
Spike-driven Transformer V1 in its authors' style: `hook=None` handed through, outputs in tuples, maximum pools of currents, masks.

Yao et al., Spike-driven Transformer, NeurIPS 2023.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image
from tests.networks.spikformer import lif, pool

Hook = dict[str, torch.Tensor] | None


class Stem(nn.Module):
    """Four convolutions, pooled where `pooling` says 1 (the last one before its neurons), and a sum of currents."""

    def __init__(self, dim: int, pooling: str) -> None:
        super().__init__()
        self.pooling_stat, widths = pooling, (3, dim // 8, dim // 4, dim // 2, dim)
        for place in range(4):
            conv = nn.Conv2d(widths[place], widths[place + 1], kernel_size=3, padding=1, bias=False)
            setattr(self, f"proj_conv{place}", conv)
            setattr(self, f"proj_bn{place}", nn.BatchNorm2d(widths[place + 1]))
            setattr(self, f"proj_lif{place}", lif())
            setattr(self, f"maxpool{place}", pool())
        self.rpe_conv, self.rpe_bn = nn.Conv2d(dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim)

    def forward(self, x: torch.Tensor, hook: Hook = None) -> tuple[torch.Tensor, Hook]:
        T, B, _, H, W = x.shape
        ratio = 1
        x = x.flatten(0, 1)
        for place in range(3):
            x = getattr(self, f"proj_conv{place}")(x)
            x = getattr(self, f"proj_bn{place}")(x).reshape(T, B, -1, H // ratio, W // ratio).contiguous()
            x = getattr(self, f"proj_lif{place}")(x)
            if hook is not None:
                hook[self._get_name() + f"_lif{place}"] = x.detach()
            x = x.flatten(0, 1).contiguous()
            if self.pooling_stat[place] == "1":
                x = getattr(self, f"maxpool{place}")(x)
                ratio *= 2
        x = self.proj_bn3(self.proj_conv3(x))
        if self.pooling_stat[3] == "1":
            x = self.maxpool3(x)
            ratio *= 2
        x_feat = x
        x = self.proj_lif3(x.reshape(T, B, -1, H // ratio, W // ratio).contiguous())
        x = self.rpe_bn(self.rpe_conv(x.flatten(0, 1).contiguous()))
        return (x + x_feat).reshape(T, B, -1, H // ratio, W // ratio).contiguous(), hook


class Attention(nn.Module):
    """SDSA: q masks by what neurons make of the sum of k * v over the tokens."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.shortcut_lif, self.talking_heads_lif = heads, lif(), lif(0.5)
        for name in ("q", "k", "v"):
            setattr(self, f"{name}_conv", nn.Conv2d(dim, dim, kernel_size=1, bias=False))
            setattr(self, f"{name}_bn", nn.BatchNorm2d(dim))
            setattr(self, f"{name}_lif", lif())
        self.proj_conv, self.proj_bn = nn.Conv2d(dim, dim, kernel_size=1), nn.BatchNorm2d(dim)

    def _project(self, name: str, x: torch.Tensor, T: int, B: int) -> torch.Tensor:
        out = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x))
        _, C, H, W = out.shape
        out = getattr(self, f"{name}_lif")(out.reshape(T, B, C, H, W).contiguous())
        heads = out.flatten(3).transpose(-1, -2).reshape(T, B, H * W, self.heads, C // self.heads)
        return heads.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: torch.Tensor, hook: Hook = None) -> tuple[torch.Tensor, torch.Tensor, Hook]:
        T, B, C, H, W = x.shape
        identity = x
        x = self.shortcut_lif(x)
        x_for_qkv = x.flatten(0, 1)
        q, k, v = (self._project(name, x_for_qkv, T, B) for name in ("q", "k", "v"))
        kv = k.mul(v).sum(dim=-2, keepdim=True)
        kv = self.talking_heads_lif(kv)
        if hook is not None:
            hook[self._get_name() + "_kv"] = kv.detach()
        x = q.mul(kv).transpose(3, 4).reshape(T, B, C, H, W).contiguous()
        x = self.proj_bn(self.proj_conv(x.flatten(0, 1))).reshape(T, B, C, H, W).contiguous()
        return x + identity, v, hook


class Mlp(nn.Module):
    """Neurons, convolution of kernel 1, norm, twice; a sum of currents."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1_lif, self.fc1_conv, self.fc1_bn = lif(), nn.Conv2d(dim, 4 * dim, 1), nn.BatchNorm2d(4 * dim)
        self.fc2_lif, self.fc2_conv, self.fc2_bn = lif(), nn.Conv2d(4 * dim, dim, 1), nn.BatchNorm2d(dim)

    def forward(self, x: torch.Tensor, hook: Hook = None) -> tuple[torch.Tensor, Hook]:
        T, B, C, H, W = x.shape
        identity = x
        x = self.fc1_conv(self.fc1_lif(x).flatten(0, 1))
        x = self.fc1_bn(x).reshape(T, B, 4 * C, H, W).contiguous()
        x = self.fc2_conv(self.fc2_lif(x).flatten(0, 1))
        x = self.fc2_bn(x).reshape(T, B, C, H, W).contiguous()
        return x + identity, hook


class Block(nn.Module):
    """Attention and MLP."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(dim, heads), Mlp(dim)

    def forward(self, x: torch.Tensor, hook: Hook = None) -> Any:
        x_attn, attn, hook = self.attn(x, hook=hook)
        x, hook = self.mlp(x_attn, hook=hook)
        return x, attn, hook


class SpikeDrivenTransformer(nn.Module):
    """Stem, blocks, token mean of currents, neurons, linear, time mean; gives (logits, hook)."""

    def __init__(self, dim: int, heads: int, depth: int, classes: int, steps: int, pooling: str) -> None:
        super().__init__()
        self.T, self.patch_embed = steps, Stem(dim, pooling)
        self.block = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.head_lif, self.head = lif(), nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor, hook: Hook = None) -> tuple[torch.Tensor, Hook]:
        x = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1) if len(x.shape) < 5 else x.transpose(0, 1).contiguous()
        x, hook = self.patch_embed(x, hook=hook)
        for block in self.block:
            x, _, hook = block(x, hook=hook)
        x = self.head_lif(x.flatten(3).mean(3))
        return self.head(x).mean(0), hook


def v1(size: Size) -> Case:
    """SDT-2-512 for CIFAR-10: T = 4, pools behind the last two convolutions."""
    torch.manual_seed(0)
    if size == "published":
        net, x = SpikeDrivenTransformer(512, 8, 2, 10, 4, "0011"), image(1, 3, 32)
    else:
        net, x = SpikeDrivenTransformer(16, 2, 1, 5, 4, "0011"), image(2, 3, 16)
    return Case(awake(net, {"x": x}), {"x": x}, steps=4)
