"""
TAAF-SNN: two spiking ResNet-18 branches, brought to one number of steps, joined, and classified step by step.

The network that is deployed is `forward`: the mean of the joint class scores over time. Training asks for `evidence`: what each
modality alone says, by the part of the classifier that reads it, and how much each step matters.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.neuron import lif_without_input_scaling
from models.networks.taaf.alignment import TemporalAlignment
from models.networks.taaf.attention import TemporalImportance
from models.networks.taaf.config import BranchSize, TaafConfig
from models.networks.taaf.resnet import SpikingResNet18


class Evidence(NamedTuple):
    """Class scores (T, B, C) and importances of the steps (T, B), for both modalities together and for each alone."""

    fused: torch.Tensor
    video: torch.Tensor
    audio: torch.Tensor
    fused_importance: torch.Tensor
    video_importance: torch.Tensor
    audio_importance: torch.Tensor


class Taaf(nn.Module):
    """Video and audio of one clip, each with its own number of steps -> class scores."""

    def __init__(self, config: TaafConfig) -> None:
        super().__init__()
        self.fusion, self.alpha_inference = config.fusion, config.alpha_inference
        width = config.features
        joint = 2 * width if config.fusion == "concat" else width
        self.video, self.audio = _branch(config, config.video), _branch(config, config.audio)
        self.video_alignment = TemporalAlignment(width, config.video.steps, config.T)
        self.audio_alignment = TemporalAlignment(width, config.audio.steps, config.T)
        self.classifier = nn.Linear(joint, config.classes)
        self.fused_importance = TemporalImportance(joint, config.classes)
        self.video_importance = TemporalImportance(width, config.classes)
        self.audio_importance = TemporalImportance(width, config.classes)

    def forward(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """(T_video, B, channels, H, W), (T_audio, B, channels, H, W) -> scores (B, C)."""
        fused = self.fuse(*self.features(video, audio))
        scores = self.classifier(fused)
        if self.alpha_inference:
            return (self.fused_importance(fused)[..., None] * scores).sum(dim=0)
        return scores.mean(dim=0)

    def evidence(self, video: torch.Tensor, audio: torch.Tensor) -> Evidence:
        """What training compares; inputs as those of `forward`."""
        seen, heard = self.features(video, audio)
        fused = self.fuse(seen, heard)
        return Evidence(
            self.classifier(fused),
            *self._unimodal_scores(seen, heard),
            self.fused_importance(fused),
            self.video_importance(seen),
            self.audio_importance(heard),
        )

    def features(self, video: torch.Tensor, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Aligned features of both branches, (T, B, width) each, from zero state."""
        functional.reset_net(self)
        return self.video_alignment(self.video(video)), self.audio_alignment(self.audio(audio))

    def fuse(self, seen: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """(T, B, width) twice -> (T, B, 2 width), or their sum."""
        return torch.cat((seen, heard), dim=2) if self.fusion == "concat" else seen + heard

    def _unimodal_scores(self, seen: torch.Tensor, heard: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`O_m = W_m f_m + b / 2`, W_m the columns that read modality m; both together are the joint scores."""
        weight, bias, width = self.classifier.weight, self.classifier.bias / 2, seen.shape[-1]
        video, audio = (weight[:, :width], weight[:, -width:])
        return nn.functional.linear(seen, video, bias), nn.functional.linear(heard, audio, bias)


def _branch(config: TaafConfig, size: BranchSize) -> SpikingResNet18:
    return SpikingResNet18(size.channels, config.width, config.kernel, config.stride, lif_without_input_scaling)
