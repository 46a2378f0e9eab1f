"""
CMSF's spike fusion: embeddings of both modalities, coded to spikes again, look at each other.

It runs in training only, as the teacher of the encoders. Each direction has its own block; the
query is the own modality, the keys are the other's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional
from torch import nn

from models.layers.neuron import l2_normalise, sum_over_time, time_weights, truncated_normal_init
from models.layers.spike_generators import RepeatLN
from models.networks.cmsf.block import CmsfBlock, attention_block, comb_block
from models.networks.cmsf.config import CmsfConfig


class FusedEmbeddings(NamedTuple):
    """Unit-length fused embeddings, (B, N, D) and (B, L, D)."""

    image_fused: torch.Tensor
    text_fused: torch.Tensor


class _Fusion(nn.Module):
    """Spike coders in, time weights and early features out; the blocks differ."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__()
        self.spike_coder1 = RepeatLN(config.T, config.D)
        self.spike_coder2 = RepeatLN(config.T, config.D)
        self.apply(truncated_normal_init)
        self.weights_tensor_img = time_weights(config.T)
        self.weights_tensor_txt = time_weights(config.T)

    def code(self, image_emb: torch.Tensor, text_emb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fresh neuron state, then spikes (T, B, N, D) and (T, B, L, D)."""
        functional.reset_net(self)
        return self.spike_coder1(image_emb), self.spike_coder2(text_emb)

    def read_out(
        self,
        image: torch.Tensor,
        text: torch.Tensor,
        image_early: torch.Tensor,
        text_early: torch.Tensor,
    ) -> FusedEmbeddings:
        """`l2(sum_t w_t x[t] + F)` for both modalities."""
        image_sum = sum_over_time(image, self.weights_tensor_img)
        text_sum = sum_over_time(text, self.weights_tensor_txt)
        return FusedEmbeddings(l2_normalise(image_sum + image_early), l2_normalise(text_sum + text_early))


class CrossFusion(_Fusion):
    """SCCA or SCA: one block per direction."""

    def __init__(self, config: CmsfConfig, block: Callable[[CmsfConfig], CmsfBlock]) -> None:
        super().__init__(config)
        self.block_i = nn.ModuleList([block(config)])
        self.block_t = nn.ModuleList([block(config)])

    def forward(
        self,
        image_emb: torch.Tensor,
        text_emb: torch.Tensor,
        image_early: torch.Tensor,
        text_early: torch.Tensor,
    ) -> FusedEmbeddings:
        image, text = self.code(image_emb, text_emb)
        image_fused = self.block_i[0](image, text)
        text_fused = self.block_t[0](text, image)
        return self.read_out(image_fused, text_fused, image_early, text_early)


class ConcatFusion(_Fusion):
    """SCSA: self attention over the tokens of both modalities together, one block."""

    def __init__(self, config: CmsfConfig) -> None:
        super().__init__(config)
        self.tokens = [config.N, config.L]
        self.block = nn.ModuleList([attention_block(config)])

    def forward(
        self,
        image_emb: torch.Tensor,
        text_emb: torch.Tensor,
        image_early: torch.Tensor,
        text_early: torch.Tensor,
    ) -> FusedEmbeddings:
        both = torch.cat(self.code(image_emb, text_emb), dim=2)
        image, text = torch.split(self.block[0](both, both), self.tokens, dim=2)
        return self.read_out(image, text, image_early, text_early)


FUSION_PARTS: dict[str, Callable[[CmsfConfig], nn.Module]] = {
    "scca": lambda config: CrossFusion(config, comb_block),
    "sca": lambda config: CrossFusion(config, attention_block),
    "scsa": ConcatFusion,
}
