"""The losses of CMSF on similarity matrices s (image i, caption j), pairs on the diagonal."""

from __future__ import annotations

import torch

from models.networks.cmsf.encoder import Encoding
from models.networks.cmsf.fusion import FusedEmbeddings
from models.retrieval.similarity import Real, hard_alignment

TEMPERATURE = 0.1
MARGIN = 0.2


def info_nce(scores: torch.Tensor, temperature: float = TEMPERATURE, margin: float = MARGIN) -> torch.Tensor:
    """`mean_i log sum_j exp((s_ij - s_ii + m [i != j]) / tau)`, plus the same over columns."""
    matching = scores.diagonal()
    off_diagonal = margin * (1.0 - torch.eye(len(scores), device=scores.device))
    by_row = (scores - matching.unsqueeze(1) + off_diagonal) / temperature
    by_column = (scores - matching.unsqueeze(0) + off_diagonal) / temperature
    return by_row.logsumexp(dim=1).mean() + by_column.logsumexp(dim=0).mean()


def loss_terms(
    image: Encoding,
    text: Encoding,
    fused: FusedEmbeddings | None,
    labels: FusedEmbeddings | None,
    real: Real | None = None,
) -> dict[str, torch.Tensor]:
    """
    InfoNCE of every pair of views the network is trained on, weights 1.

    `final` compares the embeddings, `early` the analog features, `fused` the fusion's outputs; in
    the other four an encoder follows `labels`, the fusion's outputs as soft labels (the same
    tensors as published, or detached ones). Every view has the tokens of its modality, `real` says which of them count.
    """
    pairs = {"final": (image.emb, text.emb, real), "early": (image.early, text.early, real)}
    if fused is not None and labels is not None:
        pairs |= {
            "fused": (fused.image_fused, fused.text_fused, real),
            "image-fused_text": (image.emb, labels.text_fused, real),
            "fused_image-text": (labels.image_fused, text.emb, real),
            "image-fused_image": (image.emb, labels.image_fused, real and Real(real.regions, real.regions)),
            "text-fused_text": (text.emb, labels.text_fused, real and Real(real.words, real.words)),
        }
    return {name: info_nce(hard_alignment(a, b, tokens)) for name, (a, b, tokens) in pairs.items()}
