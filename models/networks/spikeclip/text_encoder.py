"""
SpikeCLIP's text encoders: an MLP, as published, and a transformer.

Padding is a word like others in both: the published MLP never looks at its mask.

The transformer is ours: the paper compares with one, but the published class for it is never used, and cannot be meant as it is
written: it reads its norms' outputs, features before tokens, as tokens before features, which mixes words into features. Here
it is Spikingformer's blocks, each word a pixel of one row, so that words keep their places; position embeddings tell them
apart. Size, heads and depth are those of the image encoder.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.neuron import lif, sum_over_time, truncated_normal_init
from models.layers.spikingformer import SpikingformerBlock
from models.networks.spikeclip.config import MLP_RATIO, SpikeClipConfig
from models.networks.spikeclip.step_weights import give_step_weights


class WordEmbedding(nn.Module):
    """Embedding of a token plus embedding of its position, as CLIP's."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.vocabulary, config.E)
        self.position_embedding = nn.Embedding(config.positions, config.E)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> (B, words, E)."""
        return self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]


class MlpTextEncoder(nn.Module):
    """`sum_t w_t (W2 LIF(W1 LIF(e)))[t]`, e all embeddings of a text one after another, the same at every step."""

    weights_tensor: torch.Tensor
    """What a time step counts, (1, T, 1)."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        hidden = MLP_RATIO * config.E
        self.steps = config.T
        self.mlp_lif1, self.fc1 = lif(), nn.Linear(config.words * config.E, hidden)
        self.mlp_lif2, self.fc2 = lif(), nn.Linear(hidden, config.E)
        self.clip_embedding = WordEmbedding(config)
        give_step_weights(self, config.time, config.T)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> features (B, E), of any length."""
        functional.reset_net(self)
        x = self.clip_embedding(tokens).unsqueeze(0).repeat(self.steps, 1, 1, 1).flatten(2)
        x = self.fc1(self.mlp_lif1(x))
        x = self.fc2(self.mlp_lif2(x))
        return sum_over_time(x, self.weights_tensor)


class TransformerTextEncoder(nn.Module):
    """`proj(sum_t w_t mean_words x[t])`, x the stream of currents that begins with the embeddings in D features."""

    weights_tensor: torch.Tensor
    """What a time step counts, (1, T, 1)."""

    def __init__(self, config: SpikeClipConfig) -> None:
        super().__init__()
        self.steps = config.T
        self.redim = nn.Linear(config.E, config.D)
        self.block = nn.ModuleList(
            SpikingformerBlock(config.D, config.heads, MLP_RATIO * config.D) for _ in range(config.depth)
        )
        give_step_weights(self, config.time, config.T)
        self.proj = nn.Linear(config.D, config.E)
        self.apply(truncated_normal_init)
        self.clip_embedding = WordEmbedding(config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) -> features (B, E), of any length."""
        functional.reset_net(self)
        embedded = self.redim(self.clip_embedding(tokens)).transpose(1, 2).unsqueeze(2)
        x = embedded.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)
        for block in self.block:
            x = block(x)
        return self.proj(sum_over_time(x.flatten(3).mean(3), self.weights_tensor))


TEXT_ENCODERS: dict[str, type[MlpTextEncoder | TransformerTextEncoder]] = {
    "mlp": MlpTextEncoder,
    "transformer": TransformerTextEncoder,
}
