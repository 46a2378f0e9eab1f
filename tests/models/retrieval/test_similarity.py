"""Bidirectional hard alignment against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.retrieval.similarity import Real, hard_alignment, score_matrix


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


REAL = Real(
    torch.tensor([[True] * 5, [True, False, True, True, False], [False, False, False, True, False]]),
    torch.tensor([[True] * 7, [True] * 3 + [False] * 4, [False, True] + [False] * 5, [True] * 5 + [False] * 2]),
)


def test_padded_regions_and_words_do_not_count() -> None:
    """Scores are those of the real tokens alone, as many times as they would fill the places, whatever stands in the padding."""
    images, captions = _unit(3, 5, 8), _unit(4, 7, 8)
    scores = hard_alignment(images, captions, REAL)
    for i, regions in enumerate(REAL.regions):
        for j, words in enumerate(REAL.words):
            alone = _by_hand(images[i, regions].double().numpy(), captions[j, words].double().numpy())
            places = np.log(35 / int(regions.sum() * words.sum()))
            assert abs(scores[i, j].item() - alone - places) < 1e-5
    noise = _unit(3, 5, 9)[..., :8]
    other = torch.where(REAL.regions.unsqueeze(2), images, noise)
    assert torch.equal(hard_alignment(other, captions, REAL), scores)


def test_padding_counts_as_published_where_nothing_says_what_is_real() -> None:
    """The published masks are always full."""
    images, captions = _unit(3, 5, 8), _unit(4, 7, 8)
    full = Real(torch.ones(3, 5, dtype=torch.bool), torch.ones(4, 7, dtype=torch.bool))
    published = hard_alignment(images, captions)
    assert torch.equal(hard_alignment(images, captions, full), published)
    masked = hard_alignment(images, captions, REAL)
    assert torch.equal(masked[0, 0], published[0, 0])
    assert not torch.isclose(masked, published, atol=1e-2)[1:].any()


def test_a_text_does_not_win_by_being_long() -> None:
    """The same word twice is worth what it is once."""
    words = _unit(1, 4, 8).repeat(2, 1, 1)
    words[1, 2:] = words[1, :2]
    real = Real(torch.ones(3, 5, dtype=torch.bool), torch.tensor([[True, True, False, False], [True] * 4]))
    scores = hard_alignment(_unit(3, 5, 8), words, real)
    assert torch.allclose(scores[:, 0], scores[:, 1])


def test_tiles_have_their_masks() -> None:
    rng = torch.Generator().manual_seed(0)
    images, captions = _unit(35, 5, 8), _unit(600, 7, 8)
    real = Real(torch.rand(35, 5, generator=rng) < 0.6, torch.rand(600, 7, generator=rng) < 0.6)
    real.regions[:, 0] = real.words[:, 6] = True
    assert torch.allclose(score_matrix(images, captions, real), hard_alignment(images, captions, real))


def test_gradients_do_not_reach_padding() -> None:
    images, captions = _unit(3, 5, 8).requires_grad_(), _unit(4, 7, 8).requires_grad_()
    hard_alignment(images, captions, REAL).sum().backward()
    for tokens, real in zip((images, captions), REAL, strict=True):
        assert tokens.grad is not None
        assert tokens.grad.isfinite().all()
        assert torch.equal(tokens.grad.ne(0).any(dim=2), real)


@pytest.mark.parametrize(
    ("kind", "what"), [(0, "an image without a real region"), (1, "a caption without a real word")]
)
def test_nothing_real_has_no_similarity(kind: int, what: str) -> None:
    masks = [mask.clone() for mask in REAL]
    masks[kind][2] = False
    with pytest.raises(ValueError, match=f"{what} has no similarity"):
        hard_alignment(_unit(3, 5, 8), _unit(4, 7, 8), Real(*masks))
