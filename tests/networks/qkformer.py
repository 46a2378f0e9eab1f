"""
QKFormer in its authors' style: token masks in two stages, Q K^T V in the third, maximum pools of currents, three downsamplings.

Zhou et al., QKFormer, NeurIPS 2024. The released attention of the third stage runs its last neurons over T x B steps, so that a
sample's membrane goes on in the next sample of the batch; `per_sample` mends that.
"""

from __future__ import annotations

import torch
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image
from tests.networks.spikformer import lif, pool


class TokenAttention(nn.Module):
    """Neurons with threshold 1/2 on the sum of q over the channels of a head mask k."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.num_heads, self.attn_lif, self.proj_lif = heads, lif(0.5), lif()
        self.q_conv, self.q_bn, self.q_lif = nn.Conv1d(dim, dim, 1, bias=False), nn.BatchNorm1d(dim), lif()
        self.k_conv, self.k_bn, self.k_lif = nn.Conv1d(dim, dim, 1, bias=False), nn.BatchNorm1d(dim), lif()
        self.proj_conv, self.proj_bn = nn.Conv1d(dim, dim, 1), nn.BatchNorm1d(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, C, H, W = x.shape
        x = x.flatten(3)
        T, B, C, N = x.shape
        x_for_qkv = x.flatten(0, 1)
        q = self.q_lif(self.q_bn(self.q_conv(x_for_qkv)).reshape(T, B, C, N))
        q = q.unsqueeze(2).reshape(T, B, self.num_heads, C // self.num_heads, N)
        k = self.k_lif(self.k_bn(self.k_conv(x_for_qkv)).reshape(T, B, C, N))
        k = k.unsqueeze(2).reshape(T, B, self.num_heads, C // self.num_heads, N)
        attn = self.attn_lif(torch.sum(q, dim=3, keepdim=True))
        x = torch.mul(attn, k).flatten(2, 3)
        return self.proj_lif(self.proj_bn(self.proj_conv(x.flatten(0, 1))).reshape(T, B, C, H, W))


class SelfAttention(nn.Module):
    """Q (K^T V) scale; `over_batch` as released, its last neurons take (T B, C, N) for T B steps."""

    def __init__(self, dim: int, heads: int, over_batch: bool) -> None:
        super().__init__()
        self.num_heads, self.scale, self.over_batch = heads, 0.125, over_batch
        for name in ("q", "k", "v"):
            setattr(self, f"{name}_conv", nn.Conv1d(dim, dim, 1, bias=False))
            setattr(self, f"{name}_bn", nn.BatchNorm1d(dim))
            setattr(self, f"{name}_lif", lif())
        self.attn_lif, self.proj_lif = lif(0.5), lif()
        self.proj_conv, self.proj_bn = nn.Conv1d(dim, dim, 1), nn.BatchNorm1d(dim)

    def _project(self, name: str, x: torch.Tensor, T: int, B: int) -> torch.Tensor:
        out = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x))
        _, C, N = out.shape
        out = getattr(self, f"{name}_lif")(out.reshape(T, B, C, N).contiguous())
        out = out.transpose(-1, -2).reshape(T, B, N, self.num_heads, C // self.num_heads)
        return out.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, C, H, W = x.shape
        x_for_qkv = x.flatten(3).flatten(0, 1)
        q, k, v = (self._project(name, x_for_qkv, T, B) for name in ("q", "k", "v"))
        x = (q @ (k.transpose(-2, -1) @ v)) * self.scale
        x = self.attn_lif(x.transpose(3, 4).reshape(T, B, C, H * W).contiguous()).flatten(0, 1)
        x = self.proj_bn(self.proj_conv(x))
        if self.over_batch:
            return self.proj_lif(x).reshape(T, B, C, H, W)
        return self.proj_lif(x.reshape(T, B, C, H, W))


class Mlp(nn.Module):
    """Two convolutions of kernel 1 with norms and neurons."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp1_conv, self.mlp1_bn, self.mlp1_lif = nn.Conv2d(dim, 4 * dim, 1), nn.BatchNorm2d(4 * dim), lif()
        self.mlp2_conv, self.mlp2_bn, self.mlp2_lif = nn.Conv2d(4 * dim, dim, 1), nn.BatchNorm2d(dim), lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, C, H, W = x.shape
        x = self.mlp1_lif(self.mlp1_bn(self.mlp1_conv(x.flatten(0, 1))).reshape(T, B, 4 * C, H, W))
        return self.mlp2_lif(self.mlp2_bn(self.mlp2_conv(x.flatten(0, 1))).reshape(T, B, C, H, W))


class Block(nn.Module):
    """An attention and an MLP, each added to the stream of spikes."""

    def __init__(self, attention: nn.Module, dim: int) -> None:
        super().__init__()
        self.attn, self.mlp = attention, Mlp(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class PatchEmbed(nn.Module):
    """Two convolutions beside one of kernel 1, their spikes added; `stride` 2 pools the second one's currents."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.pool = stride, pool() if stride == 2 else nn.Identity()
        self.first = stride == 1
        self.proj_conv, self.proj_bn = nn.Conv2d(inputs, middle, 3, 1, 1, bias=False), nn.BatchNorm2d(middle)
        self.proj1_conv, self.proj1_bn = nn.Conv2d(middle, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.res_conv = nn.Conv2d(middle if self.first else inputs, outputs, 1, stride, bias=False)
        self.res_bn, self.proj_lif, self.proj1_lif, self.res_lif = nn.BatchNorm2d(outputs), lif(), lif(), lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, _, H, W = x.shape
        h, w = H // self.stride, W // self.stride
        x = x.flatten(0, 1).contiguous()
        x_feat = x
        x = self.proj_bn(self.proj_conv(x)).reshape(T, B, -1, H, W).contiguous()
        x = self.proj_lif(x).flatten(0, 1).contiguous()
        if self.first:
            x_feat = x
        x = self.pool(self.proj1_bn(self.proj1_conv(x))).reshape(T, B, -1, h, w).contiguous()
        x = self.proj1_lif(x)
        x_feat = self.res_bn(self.res_conv(x_feat)).reshape(T, B, -1, h, w).contiguous()
        return x + self.res_lif(x_feat)


class QKFormer(nn.Module):
    """Three stages, token mean of counts, time mean, linear."""

    def __init__(self, dim: int, heads: int, depth: int, classes: int, steps: int, over_batch: bool) -> None:
        super().__init__()
        self.T, quarter, half = steps, dim // 4, dim // 2
        self.patch_embed1 = PatchEmbed(3, quarter // 2, quarter, 1)
        self.stage1 = nn.ModuleList([Block(TokenAttention(quarter, heads), quarter)])
        self.patch_embed2 = PatchEmbed(quarter, half, half, 2)
        self.stage2 = nn.ModuleList([Block(TokenAttention(half, heads), half)])
        self.patch_embed3 = PatchEmbed(half, dim, dim, 2)
        self.stage3 = nn.ModuleList([Block(SelfAttention(dim, heads, over_batch), dim) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x.unsqueeze(0)).repeat(self.T, 1, 1, 1, 1)
        for number in (1, 2, 3):
            x = getattr(self, f"patch_embed{number}")(x)
            for block in getattr(self, f"stage{number}"):
                x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))


def _build(size: Size, over_batch: bool) -> Case:
    torch.manual_seed(0)
    if size == "published":
        net, x, rate = QKFormer(384, 8, 2, 10, 4, over_batch), image(2 if over_batch else 1, 3, 32), 0.15
    else:
        net, x, rate = QKFormer(16, 2, 1, 5, 4, over_batch), image(2, 3, 16), 0.35
    return Case(awake(net, {"x": x}, rate=rate), {"x": x}, steps=4)


def per_sample(size: Size) -> Case:
    """QKFormer-4-384 for CIFAR-10, a sample's neurons its own."""
    return _build(size, over_batch=False)


def as_released(size: Size) -> Case:
    """The same with neurons over T x B, which gives a sample other spikes in another batch."""
    return _build(size, over_batch=True)
