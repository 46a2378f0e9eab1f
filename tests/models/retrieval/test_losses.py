"""InfoNCE against its sum written out, and which pairs of views are trained."""

from __future__ import annotations

import math

import torch

from models.networks.cmsf.encoder import Encoding
from models.networks.cmsf.fusion import FusedEmbeddings
from models.retrieval.losses import info_nce, loss_terms
from models.retrieval.similarity import Real, hard_alignment

SCORES = torch.tensor([[1.0, 0.5, -0.25], [0.75, 0.5, 0.0], [0.0, 1.5, 1.25]])


def test_info_nce_equals_its_sum() -> None:
    s, n = SCORES.tolist(), range(3)
    rows = sum(math.log(sum(math.exp((s[i][j] - s[i][i] + 0.2 * (i != j)) / 0.1) for j in n)) for i in n)
    columns = sum(math.log(sum(math.exp((s[i][j] - s[j][j] + 0.2 * (i != j)) / 0.1) for i in n)) for j in n)
    assert abs(info_nce(SCORES).item() - (rows + columns) / 3) < 1e-5


def test_info_nce_parameters_act() -> None:
    sharper = info_nce(SCORES, temperature=0.01, margin=0.0)
    assert abs(sharper.item() - (25.0 + 0.0 + 25.0 + 0.0 + 100.0 + 0.0) / 3) < 1e-3


def test_published_pairs_of_views_are_compared() -> None:
    rng = torch.Generator().manual_seed(0)
    views = [torch.nn.functional.normalize(torch.randn(4, 3, 8, generator=rng), dim=-1) for _ in range(6)]
    emb_i, emb_t, early_i, early_t, fused_i, fused_t = views
    image, text = Encoding(emb_i, emb_i, early_i), Encoding(emb_t, emb_t, early_t)
    fused = FusedEmbeddings(fused_i, fused_t)
    terms = loss_terms(image, text, fused, fused)
    expected = {
        "final": (emb_i, emb_t),
        "early": (early_i, early_t),
        "fused": (fused_i, fused_t),
        "image-fused_text": (emb_i, fused_t),
        "fused_image-text": (fused_i, emb_t),
        "image-fused_image": (emb_i, fused_i),
        "text-fused_text": (emb_t, fused_t),
    }
    assert terms.keys() == expected.keys()
    for name, (a, b) in expected.items():
        assert torch.equal(terms[name], info_nce(hard_alignment(a, b))), name
    assert loss_terms(image, text, None, None).keys() == {"final", "early"}


def test_every_view_has_the_padding_of_its_modality() -> None:
    rng = torch.Generator().manual_seed(1)
    views = [torch.nn.functional.normalize(torch.randn(4, 3, 8, generator=rng), dim=-1) for _ in range(6)]
    emb_i, emb_t, early_i, early_t, fused_i, fused_t = views
    regions, words = torch.ones(4, 3, dtype=torch.bool), torch.ones(4, 3, dtype=torch.bool)
    regions[1:, 2] = words[:2, 1:] = False
    fused = FusedEmbeddings(fused_i, fused_t)
    image, text = Encoding(emb_i, emb_i, early_i), Encoding(emb_t, emb_t, early_t)
    terms = loss_terms(image, text, fused, fused, Real(regions, words))
    expected = {
        "final": hard_alignment(emb_i, emb_t, Real(regions, words)),
        "fused_image-text": hard_alignment(fused_i, emb_t, Real(regions, words)),
        "image-fused_image": hard_alignment(emb_i, fused_i, Real(regions, regions)),
        "text-fused_text": hard_alignment(emb_t, fused_t, Real(words, words)),
    }
    assert len(terms) == 7
    for name, scores in expected.items():
        assert torch.equal(terms[name], info_nce(scores)), name


def test_detached_labels_give_the_fusion_only_its_own_loss() -> None:
    tokens = torch.nn.functional.normalize(torch.randn(4, 3, 8), dim=-1)
    side = tokens.clone().requires_grad_()
    view = Encoding(tokens, tokens, tokens)
    fused = FusedEmbeddings(side, side)
    terms = loss_terms(view, view, fused, FusedEmbeddings(side.detach(), side.detach()))
    assert [name for name, term in terms.items() if term.requires_grad] == ["fused"]
