"""Recalls and accuracies worked out by hand."""

from __future__ import annotations

import torch

from models.networks.spikeclip.zero_shot import label_matrix
from models.retrieval.emoji_metrics import accuracy, cosines, labels_of, pair_recalls, score_recalls


def test_recalls_by_hand() -> None:
    """The third image looks most like the first text; every text finds its image, but for a tie that counts as a miss."""
    images = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.2]])
    texts = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    found = pair_recalls(images, texts)
    assert found["i2t R@1"] == 100 / 3
    assert found["t2i R@1"] == 100 / 3 * 2
    assert found["i2t R@5"] == found["t2i R@10"] == 100.0


def test_equal_features_find_nothing_at_rank_one() -> None:
    assert pair_recalls(torch.ones(12, 4), torch.ones(12, 4)) == {
        f"{way} R@{k}": 0.0 for way in ("i2t", "t2i") for k in (1, 5, 10)
    }


def test_recalls_of_scores_by_hand() -> None:
    """Row 0 is beaten by one, row 1 by none, row 2 by all eleven others; columns 0 and 1 by none."""
    scores = torch.eye(12)
    scores[0, 1], scores[2] = 2.0, 3.0
    scores[2, 2] = 1.0
    found = score_recalls(scores)
    assert found["i2t R@1"] == 100 * 10 / 12
    assert found["i2t R@5"] == 100 * 11 / 12
    assert found["t2i R@1"] == 100 / 12
    assert found["t2i R@5"] == 100.0


def test_cosines_are_torch_s() -> None:
    images, texts = torch.randn(3, 5), torch.randn(4, 5)
    expected = torch.cosine_similarity(images.double().unsqueeze(1), texts.double(), dim=2)
    assert torch.allclose(cosines(images, texts), expected)


def test_labels_are_those_of_zero_shot() -> None:
    features = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))

    class Known(torch.nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return features[tokens[:, 0]]

    expected = label_matrix(Known(), torch.arange(6).reshape(3, 2, 1))
    assert torch.equal(labels_of(features, 3), expected)


def test_accuracy_by_hand() -> None:
    scores = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    assert accuracy(scores, torch.tensor([1, 0, 0, 1])) == 75.0
