"""Losses against sums written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.networks.spikeclip.losses import alignment_loss, contrastive_loss, dual_loss


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def _softmax(row: np.ndarray) -> np.ndarray:
    weights = np.exp(row)
    return weights / weights.sum()


def test_alignment_is_one_minus_the_mean_cosine() -> None:
    a, b = _random(5, 7), _random(7, 5).T
    cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    assert alignment_loss(a, b).item() == pytest.approx(1 - np.mean(cosines), abs=1e-7)
    assert alignment_loss(a, 3 * a).item() == pytest.approx(0, abs=1e-7)
    assert alignment_loss(a, -a).item() == pytest.approx(2, abs=1e-7)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (1.0, 1.0), (1.0, 2.5), (0.0, 1.0)])
def test_dual_loss_is_ce_and_kl_per_sample(shares: tuple[float, float]) -> None:
    scores, teacher, classes = _random(4, 3), _random(3, 4).T, torch.tensor([0, 2, 1, 2])
    total = 0.0
    for row, wanted, place in zip(scores.numpy(), teacher.numpy(), classes.tolist(), strict=True):
        p, q = _softmax(wanted), _softmax(row)
        total += -shares[0] * np.log(q[place]) + shares[1] * sum(p * np.log(p / q))
    assert dual_loss(scores, teacher, classes, shares).item() == pytest.approx(total / 4, rel=1e-9)


def test_dual_loss_does_not_depend_on_the_size_of_the_batch_and_does_not_train_the_teacher() -> None:
    scores, teacher, classes = _random(4, 3), _random(3, 4).T.clone(), torch.tensor([0, 2, 1, 2])
    twice = dual_loss(scores.repeat(2, 1), teacher.repeat(2, 1), classes.repeat(2), (1.0, 1.0))
    assert twice.item() == pytest.approx(dual_loss(scores, teacher, classes, (1.0, 1.0)).item(), rel=1e-12)
    scores.requires_grad_()
    teacher.requires_grad_()
    dual_loss(scores, teacher, classes, (1.0, 1.0)).backward()
    assert scores.grad is not None
    assert teacher.grad is None


def test_contrastive_loss_finds_texts_of_images_and_images_of_texts() -> None:
    images, texts = _random(4, 6), _random(6, 4).T
    a = images.numpy() / np.linalg.norm(images.numpy(), axis=1, keepdims=True)
    b = texts.numpy() / np.linalg.norm(texts.numpy(), axis=1, keepdims=True)
    scores = 5 * a @ b.T
    both = [-np.log(_softmax(scores[i])[i]) - np.log(_softmax(scores[:, i])[i]) for i in range(4)]
    assert contrastive_loss(images, texts, torch.tensor(5.0)).item() == pytest.approx(np.mean(both) / 2, rel=1e-6)
