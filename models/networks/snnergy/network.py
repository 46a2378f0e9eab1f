"""
SNNergy: two streams of spikes, video and audio, through three stages of ever fewer and wider tokens.

Stem, fusion blocks; downsampling, fusion blocks; downsampling, global blocks, whose attention is quadratic in the few tokens
left. Both directions of a block see the streams as they were before it. A stream by itself, with `token` fusion, has the layers
and the names of a QKFormer.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.image_attention import ImageAttention
from models.layers.image_mlp import ImageMlp
from models.layers.neuron import lif
from models.layers.stems import Downsampling, DownsamplingStem
from models.networks.snnergy.config import InputSize, SnnergyConfig
from models.networks.snnergy.fusion import FUSIONS, SELF_ATTENTIONS

MLP_RATIO = 4


class FusionBlock(nn.Module):
    """`x1 = x + fusion(x, y)`, `x2 = x1 + mlp(x1)` for the own stream x and the other one y; first and second stage."""

    def __init__(self, config: SnnergyConfig, width: int) -> None:
        super().__init__()
        self.tssa = FUSIONS[config.fusion](config, width)
        self.mlp = ImageMlp(width, MLP_RATIO * width)

    def forward(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W), (T, B, C, H', W') -> (T, B, C, H, W)."""
        own = own + self.tssa(own, other)
        return own + self.mlp(own)


class GlobalBlock(nn.Module):
    """The same with cross-modal spiking attention; third stage. Counts 0..r become counts 0..r + 2."""

    def __init__(self, config: SnnergyConfig, width: int) -> None:
        super().__init__()
        self.ssa = ImageAttention(width, config.heads)
        self.mlp = ImageMlp(width, MLP_RATIO * width)

    def forward(self, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W), (T, B, C, H', W') -> (T, B, C, H, W)."""
        own = own + self.ssa(own, other)
        return own + self.mlp(own)


class ModalityStream(nn.Module):
    """The layers of one modality."""

    def __init__(self, config: SnnergyConfig, size: InputSize) -> None:
        super().__init__()
        d, pool, depths = config.width, config.pool, config.depths
        sums = [lif() if config.sum_neuron else nn.Identity() for _ in depths]
        self.patch_embed1 = DownsamplingStem(size.channels, d, pool, sums[0], size.stem_stride)
        self.stage1 = nn.ModuleList(FusionBlock(config, d) for _ in range(depths[0]))
        self.patch_embed2 = Downsampling(2 * d, pool, sums[1])
        self.stage2 = nn.ModuleList(FusionBlock(config, 2 * d) for _ in range(depths[1]))
        self.patch_embed3 = Downsampling(4 * d, pool, sums[2])
        self.stage3 = nn.ModuleList(GlobalBlock(config, 4 * d) for _ in range(depths[2]))

    def stages(self) -> list[tuple[nn.Module, nn.ModuleList]]:
        """What shrinks the tokens and the blocks behind it, stage by stage."""
        return [
            (self.patch_embed1, self.stage1),
            (self.patch_embed2, self.stage2),
            (self.patch_embed3, self.stage3),
        ]


class Snnergy(nn.Module):
    """Video and audio of one clip -> class scores: a linear map of both streams' means over tokens and time, side by side."""

    def __init__(self, config: SnnergyConfig) -> None:
        super().__init__()
        self.crosses = [config.fusion not in SELF_ATTENTIONS] * 2 + [True]
        self.video = ModalityStream(config, config.video)
        self.audio = ModalityStream(config, config.audio)
        self.head = nn.Linear(2 * 4 * config.width, config.classes)

    def forward(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """(T, B, channels, H, W) twice -> scores (B, classes)."""
        functional.reset_net(self)
        for own, other, crosses in zip(self.video.stages(), self.audio.stages(), self.crosses, strict=True):
            video, audio = own[0](video), other[0](audio)
            for video_block, audio_block in zip(own[1], other[1], strict=True):
                seen, heard = (audio, video) if crosses else (video, audio)
                video, audio = video_block(video, seen), audio_block(audio, heard)
        tokens = torch.cat((video.flatten(3).mean(dim=3), audio.flatten(3).mean(dim=3)), dim=2)
        return self.head(tokens.mean(dim=0))
