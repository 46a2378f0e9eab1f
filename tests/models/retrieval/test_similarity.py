"""Bidirectional hard alignment against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import torch

from models.retrieval.similarity import hard_alignment, score_matrix


def _unit(*shape: int) -> torch.Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(shape[1]))
    return x / x.norm(dim=-1, keepdim=True)


def _by_hand(image: np.ndarray, caption: np.ndarray) -> float:
    cosines = image @ caption.T
    best_word, best_region = cosines.max(axis=1), cosines.max(axis=0)
    return float(np.log(sum(np.exp(a * b / 0.1) for a in best_word for b in best_region)))


def test_equals_definition_for_every_pair() -> None:
    images, captions = _unit(3, 5, 8), _unit(4, 7, 8)
    scores = hard_alignment(images, captions)
    for i, image in enumerate(images.double().numpy()):
        for j, caption in enumerate(captions.double().numpy()):
            assert abs(scores[i, j].item() - _by_hand(image, caption)) < 1e-5


def test_chunks_do_not_change_scores() -> None:
    images, captions = _unit(35, 5, 8), _unit(600, 7, 8)
    assert torch.allclose(score_matrix(images, captions), hard_alignment(images, captions))


def test_same_tokens_score_highest() -> None:
    tokens = _unit(6, 5, 32)
    assert torch.equal(hard_alignment(tokens, tokens).argmax(dim=1), torch.arange(6))


def test_padding_counts_as_published_unless_lengths_are_given() -> None:
    images, captions = _unit(3, 5, 8), _unit(4, 7, 8)
    lengths = torch.tensor([7, 3, 1, 5])
    scores = hard_alignment(images, captions, lengths)
    for j, length in enumerate(lengths.tolist()):
        short = hard_alignment(images, captions[j : j + 1, :length])[:, 0]
        assert torch.allclose(scores[:, j], short, atol=1e-5)
    assert torch.allclose(scores[:, 0], hard_alignment(images, captions)[:, 0], atol=1e-5)
    assert not torch.allclose(scores[:, 1], hard_alignment(images, captions)[:, 1], atol=1e-2)
