"""
CMSF's two encoders: analog token features -> spikes -> one embedding per token.

There is no positional encoding: order has to be in the features, as in BERT's or in box geometry.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.neuron import l2_normalise, sum_over_time, time_weights, truncated_normal_init
from models.layers.spike_generators import spike_generator
from models.networks.cmsf.block import attention_block
from models.networks.cmsf.config import CmsfConfig


class Encoding(NamedTuple):
    """What an encoder returns, each (B, tokens, D)."""

    emb: torch.Tensor
    """Unit-length spike embedding: what retrieval compares."""
    res: torch.Tensor
    """The projected analog features."""
    early: torch.Tensor
    """`res` at unit length (F in the paper): early alignment and the fusion's read-out use it."""


class _Encoder(nn.Module):
    """Everything after the input projection; it has the same names in both modalities."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__()
        self.spike_coder = spike_generator(config.generator, config.T, config.D)
        self.block = nn.ModuleList(attention_block(config) for _ in range(config.depth))
        self.apply(truncated_normal_init)
        self.weights_tensor = time_weights(config.T)

    def encode(self, res: torch.Tensor) -> Encoding:
        """(B, tokens, D) -> the three outputs."""
        x = self.spike_coder(res)
        for block in self.block:
            x = block(x, x)
        emb = l2_normalise(sum_over_time(x, self.weights_tensor))
        return Encoding(emb, res, l2_normalise(res))


class ImageEncoder(_Encoder):
    """Region features (B, N, region_features) -> `Encoding` of (B, N, D)."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__(config)
        self.linear = nn.Linear(config.region_features, config.D)

    def forward(self, regions: torch.Tensor) -> Encoding:
        functional.reset_net(self)
        return self.encode(self.linear(regions))


class TextEncoder(_Encoder):
    """Word features (B, L, word_features; BERT's last layer as published) -> `Encoding`."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__(config)
        self.bert_linear = nn.Linear(config.word_features, config.D)

    def forward(self, words: torch.Tensor) -> Encoding:
        functional.reset_net(self)
        return self.encode(self.bert_linear(words))
