"""
What joins video and audio in SNNergy's first two stages: one module per direction, `x + module(x, y)` for the own stream x.

Cross-modal Q-K attention (CMQKA) has a spatial and a temporal path of the same build: queries of the own stream fire masks, which
open keys of the other stream, `Fs = Ms Ks` and `Ft = Mt Kt`. As published the paths are pooled and multiplied,

    F[t, n, c] = (mean over n' of Fs[t, n', c]) (mean over t' of Ft[t', n, c]),     x' = x + alpha F,

with a learnable alpha, 1.5 at the start. F is analog, and the mean over time sees the whole window. The paper is silent on three
points, and the readings are ours: neurons of the temporal path integrate over time like all others (`over-tokens` is the other
reading); there is one alpha per direction and block; no linear map follows the masks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from models.layers.image_attention import SpatialCrossAttention, TemporalCrossAttention
from models.layers.masks import MaskAttention, MaskedKeys, QueryMask, split_heads
from models.layers.neuron import lif
from models.networks.snnergy.config import SnnergyConfig

ALPHA = 1.5
"""Start value of the factor on what comes from the other stream."""


class CrossModal(nn.Module):
    """`alpha F(x, y)` for images of as many pixels; the modules below differ in F."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(ALPHA))

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """F: (T, B, C, N) twice -> (T, B, C, N)."""
        raise NotImplementedError

    def forward(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W), (T, B, C, H', W') with H' W' = H W -> shaped as `own`."""
        return self.alpha * self.fuse(own.flatten(3), other.flatten(3)).reshape(own.shape)


def mean_product(spatial: torch.Tensor, temporal: torch.Tensor) -> torch.Tensor:
    """`(mean over tokens of spatial) (mean over time of temporal)`: (T, B, C, N) twice -> (T, B, C, N), analog."""
    return spatial.mean(dim=3, keepdim=True) * temporal.mean(dim=0, keepdim=True)


class MeanProduct(CrossModal):
    """CMQKA as published."""

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__()
        self.spatial = MaskedKeys(width, heads, threshold)
        self.temporal = MaskedKeys(width, heads, threshold)

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return mean_product(self.spatial(own, other), self.temporal(own, other))


class KeysOverTokens(MaskedKeys):
    """Masked keys whose neurons integrate from token to token; the steps are computed side by side."""

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """(T, B, C, N) twice -> spikes (T, B, C, N)."""
        swapped = super().forward(query.permute(3, 1, 2, 0), memory.permute(3, 1, 2, 0))
        return swapped.permute(3, 1, 2, 0)


class MeanProductOverTokens(MeanProduct):
    """CMQKA with the paper's permuted temporal path taken at its word: the tokens are then what its neurons run over."""

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__(width, heads, threshold)
        self.temporal = KeysOverTokens(width, heads, threshold)


class SpikeFused(MeanProduct):
    """
    `F = LIF(BN(mean x mean))`: only spikes enter the stream; the mean over time is still over the whole window.

    S-CMRL's contrastive branch has neurons in this place. The norm is ours: means of spikes are far below 1, where neurons
    without one never fire.
    """

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__(width, heads, threshold)
        self.fuse_bn, self.fuse_lif = nn.BatchNorm1d(width), lif()

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        product = super().fuse(own, other)
        normed = self.fuse_bn(product.flatten(0, 1)).unflatten(0, product.shape[:2])
        return self.fuse_lif(normed.contiguous())


class CausalMean(MeanProduct):
    """The mean over time runs over the steps so far, `(Ft[0] + ... + Ft[t]) / (t + 1)`: nothing waits for the window's end."""

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        temporal = self.temporal(own, other)
        elapsed = torch.arange(1, temporal.shape[0] + 1, device=own.device, dtype=own.dtype).reshape(-1, 1, 1, 1)
        running = torch.cumsum(temporal, dim=0) / elapsed
        return self.spatial(own, other).mean(dim=3, keepdim=True) * running


class Gated(CrossModal):
    """`F = Ms Mt Ks`: both masks open the spatial path's keys. Binary, causal, two ANDs."""

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__()
        self.heads = heads
        self.spatial = MaskedKeys(width, heads, threshold)
        self.temporal = QueryMask(width, heads, threshold)

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        opened = split_heads(self.spatial(own, other), self.heads)
        return torch.mul(self.temporal(own), opened).flatten(2, 3)


class SpatialPath(CrossModal):
    """
    The spatial path alone: `F[t, n, c] = mean over n' of Fs[t, n', c]`, the same for all tokens.

    Pooled (ours): without the pools both paths alone would be one and the same network, and the paper's ablation tells them
    apart.
    """

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__()
        self.spatial = MaskedKeys(width, heads, threshold)

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.spatial(own, other).mean(dim=3, keepdim=True).expand(own.shape)


class TemporalPath(CrossModal):
    """The temporal path alone: `F[t, n, c] = mean over t' of Ft[t', n, c]`, the same at every step."""

    def __init__(self, width: int, heads: int, threshold: float) -> None:
        super().__init__()
        self.temporal = MaskedKeys(width, heads, threshold)

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.temporal(own, other).mean(dim=0, keepdim=True).expand(own.shape)


class CrossResidual(CrossModal):
    """S-CMRL's spatial and temporal attention, pooled and multiplied as CMQKA's paths are: the baseline, quadratic in tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.spatial_attn = SpatialCrossAttention(width, heads)
        self.temporal_attn = TemporalCrossAttention(width, heads)

    def fuse(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return mean_product(self.spatial_attn(own, other), self.temporal_attn(own, other))


SELF_ATTENTIONS = ("token", "channel")
"""Fusions whose keys come from the own stream."""

FUSIONS: dict[str, Callable[[SnnergyConfig, int], nn.Module]] = {
    "cmqka": lambda config, width: MeanProduct(width, config.heads, config.mask_threshold),
    "over-tokens": lambda config, width: MeanProductOverTokens(width, config.heads, config.mask_threshold),
    "gate": lambda config, width: Gated(width, config.heads, config.mask_threshold),
    "spikefuse": lambda config, width: SpikeFused(width, config.heads, config.mask_threshold),
    "causal-mean": lambda config, width: CausalMean(width, config.heads, config.mask_threshold),
    "spatial": lambda config, width: SpatialPath(width, config.heads, config.mask_threshold),
    "temporal": lambda config, width: TemporalPath(width, config.heads, config.mask_threshold),
    "s-cmrl": lambda config, width: CrossResidual(width, config.heads),
    "token": lambda config, width: MaskAttention(width, config.heads),
    "channel": lambda config, width: MaskAttention(width, config.heads, pooled="tokens"),
}
"""Name -> the module of one direction, for a configuration and a stage's width."""
