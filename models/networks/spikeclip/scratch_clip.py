"""
ScratchCLIP, the twin without spikes: SpikeCLIP's sizes with the usual layers of a CLIP in place of neurons.

As published: the stem is the same convolutions, norms and pools with nothing in between, blocks are a vision transformer's
(LayerNorm first, softmax attention, QuickGELU). The published code has no twin of the text encoder; ours is the same two linear
layers with QuickGELU, or the same transformer blocks.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.neuron import truncated_normal_init
from models.layers.patch_stem import PatchStem
from models.networks.spikeclip.config import MLP_RATIO, SpikeClipConfig
from models.networks.spikeclip.text_encoder import WordEmbedding


def quick_gelu(x: torch.Tensor) -> torch.Tensor:
    """`x sigmoid(1.702 x)`."""
    return x * torch.sigmoid(1.702 * x)


def _transformer(config: SpikeClipConfig) -> nn.TransformerEncoder:
    block = nn.TransformerEncoderLayer(
        config.D, config.heads, MLP_RATIO * config.D, 0.0, quick_gelu, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(block, config.depth, enable_nested_tensor=False)


class ScratchImageEncoder(nn.Module):
    """The image encoder's twin."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        self.embeddings = PatchStem(3, config.D, config.pool, nn.Identity)
        self.pre_layernorm, self.post_layernorm = nn.LayerNorm(config.D), nn.LayerNorm(config.D)
        self.encoder = _transformer(config)
        self.proj = nn.Linear(config.D, config.E)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> features (B, E), of any length."""
        tokens = self.embeddings(images.unsqueeze(0))[0].flatten(2).transpose(1, 2)
        return self.proj(self.post_layernorm(self.encoder(self.pre_layernorm(tokens)).mean(1)))


class ScratchMlpTextEncoder(nn.Module):
    """The MLP text encoder's twin."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        hidden = MLP_RATIO * config.E
        self.clip_embedding = WordEmbedding(config)
        self.fc1, self.fc2 = nn.Linear(config.words * config.E, hidden), nn.Linear(hidden, config.E)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> features (B, E), of any length."""
        return self.fc2(quick_gelu(self.fc1(quick_gelu(self.clip_embedding(tokens).flatten(1)))))


class ScratchTransformerTextEncoder(nn.Module):
    """The transformer text encoder's twin."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        self.redim = nn.Linear(config.E, config.D)
        self.pre_layernorm, self.post_layernorm = nn.LayerNorm(config.D), nn.LayerNorm(config.D)
        self.encoder = _transformer(config)
        self.proj = nn.Linear(config.D, config.E)
        self.apply(truncated_normal_init)
        self.clip_embedding = WordEmbedding(config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> features (B, E), of any length."""
        words = self.pre_layernorm(self.redim(self.clip_embedding(tokens)))
        return self.proj(self.post_layernorm(self.encoder(words).mean(1)))


SCRATCH_TEXT_ENCODERS: dict[str, type[ScratchMlpTextEncoder | ScratchTransformerTextEncoder]] = {
    "mlp": ScratchMlpTextEncoder,
    "transformer": ScratchTransformerTextEncoder,
}
