"""Losses against loops and numbers worked out by hand; nothing flows back through ratios and factors."""

from __future__ import annotations

import math

import pytest
import torch

from models.networks.taaf.losses import (
    attention_guided_loss,
    balanced_loss,
    contribution_ratios,
    step_losses,
    suppression,
)

LABELS = torch.tensor([0, 2])


def _scores(seed: int) -> torch.Tensor:
    return torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_step_losses_are_cross_entropies_of_every_step(smoothing: float) -> None:
    scores = _scores(0)
    for t, row in enumerate(step_losses(scores, LABELS, smoothing)):
        for b, loss in enumerate(row):
            logits = scores[t, b].tolist()
            total = math.log(sum(map(math.exp, logits)))
            each = [total - logit for logit in logits]
            expected = (1 - smoothing) * each[int(LABELS[b])] + smoothing * sum(each) / len(each)
            assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("guidance", "smoothing"), [(0.0, 0.0), (0.25, 0.0), (1.0, 0.0), (0.25, 0.1)])
def test_guided_loss_mixes_the_plain_and_the_weighted_mean(guidance: float, smoothing: float) -> None:
    scores, alpha = _scores(1), torch.tensor([[0.5, 0.1], [0.3, 0.2], [0.2, 0.7]])
    losses = step_losses(scores, LABELS, smoothing)
    expected = 0.0
    for b in range(2):
        plain = sum(losses[t, b].item() for t in range(3)) / 3
        weighted = sum(alpha[t, b].item() * losses[t, b].item() for t in range(3))
        expected += ((1 - guidance) * plain + guidance * weighted) / 2
    loss = attention_guided_loss(scores, alpha, LABELS, guidance, smoothing)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_uniform_importance_changes_nothing() -> None:
    scores, uniform = _scores(2), torch.full((3, 2), 1 / 3)
    one, other = (attention_guided_loss(scores, uniform, LABELS, guidance) for guidance in (0.1, 0.9))
    torch.testing.assert_close(one, other)


def test_ratios_of_scores_worked_out_by_hand() -> None:
    """Two classes, log-odds ln 3 at every step: 3/4 on the label; the other modality is undecided: 1/2."""
    sure = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]]).expand(4, 2, 2)
    first, second = contribution_ratios(sure, torch.zeros(4, 2, 2), torch.tensor([0, 1]))
    assert (first.item(), second.item()) == (pytest.approx(1.5), pytest.approx(1 / 1.5))


def test_only_the_modality_ahead_is_suppressed() -> None:
    ratios = torch.tensor([0.5, 1.0, 2.0])
    expected = [1, 1, 1 - math.tanh(0.2)]
    assert suppression(ratios, 0.1).tolist() == pytest.approx(expected)
    assert suppression(ratios, 0.0).tolist() == [1, 1, 1]


def test_balanced_loss_adds_weighted_parts() -> None:
    parts = torch.tensor(2.0), torch.tensor(3.0)
    factors = torch.tensor(0.5), torch.tensor(1.0)
    assert balanced_loss(parts, factors, torch.tensor(1.0), unimodal_weight=0.25).item() == 1 + 0.25 * (1 + 3)


def test_gradients_flow_through_importances_but_not_through_ratios_and_factors() -> None:
    scores, alpha = _scores(3).requires_grad_(), torch.rand(3, 2).requires_grad_()
    factor = torch.tensor(0.5, requires_grad=True)
    loss = attention_guided_loss(scores, alpha, LABELS, 0.5)
    balanced_loss((loss, loss), (factor, factor), loss, 1.0).backward()
    assert scores.grad is not None
    assert scores.grad.any()
    assert alpha.grad is not None
    assert alpha.grad.any()
    assert factor.grad is None
    assert not any(ratio.requires_grad for ratio in contribution_ratios(scores, scores, LABELS))
