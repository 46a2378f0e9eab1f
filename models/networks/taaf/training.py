"""
What TAAF-SNN is trained and measured by: its losses on a batch, and what its modalities say by themselves.

Dev and test metrics hold the accuracy of each modality by the part of the classifier that reads it, how far the modality ahead is
held back (k), and how much the importance of steps differs from step to step.
"""

from __future__ import annotations

import torch

from models.networks.taaf.config import TaafConfig
from models.networks.taaf.losses import (
    attention_guided_loss,
    balanced_loss,
    contribution_ratios,
    suppression,
)
from models.networks.taaf.network import Evidence, Taaf
from models.training.classification.metrics import EVALUATION_BATCH, accuracy
from models.training.classification.samples import Samples
from models.training.classification.training import plain_metrics


def taaf_losses(network: Taaf, config: TaafConfig, batch: Samples) -> dict[str, torch.Tensor]:
    """`beta (k_1 L_1 + k_2 L_2) + L_f` of a batch."""
    said, shares = network.evidence(**batch.inputs), (config.guidance, config.smoothing)
    video = attention_guided_loss(said.video, said.video_importance, batch.labels, *shares)
    audio = attention_guided_loss(said.audio, said.audio_importance, batch.labels, *shares)
    fused = attention_guided_loss(said.fused, said.fused_importance, batch.labels, *shares)
    ratios = contribution_ratios(said.video, said.audio, batch.labels)
    factors = (suppression(ratios[0], config.suppression), suppression(ratios[1], config.suppression))
    return {"balanced": balanced_loss((video, audio), factors, fused, config.unimodal_weight)}


@torch.no_grad()
def taaf_metrics(network: Taaf, config: TaafConfig, clips: Samples) -> dict[str, float]:
    """Accuracy in percent of the deployed network and of each modality, cross entropy, k and the variance of alpha."""
    said = _evidence_of(network, clips)
    ratios = contribution_ratios(said.video, said.audio, clips.labels)
    return {
        **plain_metrics(network, clips),
        "video": accuracy(said.video.mean(dim=0), clips.labels),
        "audio": accuracy(said.audio.mean(dim=0), clips.labels),
        "k video": float(suppression(ratios[0], config.suppression)),
        "k audio": float(suppression(ratios[1], config.suppression)),
        "alpha variance": float(said.fused_importance.var(dim=0, unbiased=False).mean()),
    }


def _evidence_of(network: Taaf, clips: Samples) -> Evidence:
    said = [network.evidence(**batch.inputs) for batch in clips.batches(EVALUATION_BATCH)]
    return Evidence(*(torch.cat(each, dim=1) for each in zip(*said, strict=True)))
