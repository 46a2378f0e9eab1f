"""
TAAF's losses: cross entropy guided by temporal attention, and the modulation that holds back a modality that runs ahead.

Scores are (T, B, C), importances alpha (T, B), labels (B,). Ratios and factors carry no gradient (ours: the digest of the paper
does not say); importances do, since they are learnt and nothing else in training reads them.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy


def step_losses(scores: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Cross entropy of every step and sample: (T, B); labels give the share `smoothing` to all classes alike."""
    steps, batch, classes = scores.shape
    losses = cross_entropy(
        scores.reshape(-1, classes), labels.repeat(steps), reduction="none", label_smoothing=smoothing
    )
    return losses.reshape(steps, batch)


def attention_guided_loss(
    scores: torch.Tensor, importance: torch.Tensor, labels: torch.Tensor, guidance: float, smoothing: float = 0.0
) -> torch.Tensor:
    """
    `(1 - g) mean_t CE(O[t]) + g sum_t alpha[t] CE(O[t])`, averaged over samples; g is `guidance` (lambda in the paper).

    The form of the mixture is ours; the paper's lambda lies in 0.1 to 0.9.
    """
    losses = step_losses(scores, labels, smoothing)
    plain, guided = losses.mean(dim=0), (importance * losses).sum(dim=0)
    return ((1 - guidance) * plain + guidance * guided).mean()


def contribution_ratios(
    first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    How much better one modality's scores are than the other's: rho_1 and rho_2 = 1 / rho_1.

    rho_1 is the sum over samples of softmax(mean over t of O_1)[label] over the same of O_2, as on-the-fly gradient modulation
    (OGM) has it.
    """
    own, other = (_confidence(scores.detach(), labels) for scores in (first, second))
    return own / other, other / own


def _confidence(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    probabilities = torch.softmax(scores.mean(dim=0), dim=-1)
    return probabilities.gather(1, labels[:, None]).sum()


def suppression(ratio: torch.Tensor, strength: float) -> torch.Tensor:
    """`k = 1 - tanh(a rho)` for a modality that is ahead (rho > 1), else 1; a is `strength`."""
    return torch.where(ratio > 1, 1 - torch.tanh(strength * ratio), torch.ones_like(ratio))


def balanced_loss(
    unimodal: tuple[torch.Tensor, torch.Tensor],
    factors: tuple[torch.Tensor, torch.Tensor],
    fused: torch.Tensor,
    unimodal_weight: float,
) -> torch.Tensor:
    """`beta (k_1 L_1 + k_2 L_2) + L_f`; beta is `unimodal_weight`."""
    (first, second), (k1, k2) = unimodal, factors
    return unimodal_weight * (k1.detach() * first + k2.detach() * second) + fused
