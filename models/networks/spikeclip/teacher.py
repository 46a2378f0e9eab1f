"""
Teachers that SpikeCLIP follows: what they are, and a small one of our own.

The published teacher is CLIP ViT-B/16 (`models.networks.spikeclip.pretrained_clip`). A teacher's features have as many numbers as
the student's (E = 512 there).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Protocol

import torch
from torch import nn


class Teacher(Protocol):
    """What makes features of images and of texts; they are similar where an image and a text belong together."""

    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, E)."""
        ...

    def token_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) of the student's vocabulary -> (B, E)."""
        ...

    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by for the scores of classes."""
        ...


class SmallTeacher(nn.Module):
    """
    Three convolutions for images, a bag of words for texts; trained with `losses.contrastive_loss` and its own `scale()`.

    Args:
        features: E.
        vocabulary: rows of the word embedding; the token 0 is padding and does not count.
        width: channels of the first convolution.
    """

    def __init__(self, features: int, vocabulary: int, width: int = 32) -> None:
        super().__init__()
        self.image = nn.Sequential(
            *_stage(3, width), *_stage(width, 2 * width), *_stage(2 * width, 4 * width), nn.AdaptiveAvgPool2d(4)
        )
        self.image_projection = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * width, features))
        self.words = nn.EmbeddingBag(vocabulary, features, mode="mean", padding_idx=0)
        nn.init.normal_(self.words.weight, std=0.05)  # only directions count: short words turn fast
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())

    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by in the loss; at most 60, of few samples (CLIP's is 100)."""
        return self.log_scale.exp().clamp(max=60.0)

    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, E)."""
        return self.image_projection(self.image(images))

    def token_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> (B, E)."""
        return self.words(tokens)


class FloatsTeacher:
    """Trained encoders as they are now, which teach themselves when they have fewer bits."""

    def __init__(self, image: nn.Module, text: nn.Module, scale: float) -> None:
        self.image_features, self.token_features = deepcopy(image).eval(), deepcopy(text).eval()
        self._scale = torch.tensor(scale)

    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by for the scores of classes."""
        return self._scale


def _stage(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
