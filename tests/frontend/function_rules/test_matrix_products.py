"""Linear layers, matrix products and einsum: as torch computes them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from frontend.function_rules.matrix_products import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
W = torch.linspace(-1, 1, 30).reshape(5, 6)
Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "linear": lambda x, y, s: F.linear(x, W, torch.ones(5)) + F.linear(x.flatten(0, 1), W).unflatten(0, (STEPS, -1)),
    "matmul": lambda x, y, s: torch.matmul(x, W.T) + W[:4, :4] @ (x @ s.mT @ W[:4, :5]),
    "mm": lambda x, y, s: torch.stack([torch.mm(x[t, :, 0], W.T) for t in range(STEPS)]),
    "bmm": lambda x, y, s: torch.bmm(x.flatten(0, 1), y.flatten(0, 1).mT).unflatten(0, (STEPS, -1)),
    "addmm": lambda x, y, s: torch.addmm(W[0, :4], x.flatten(0, 1)[:, 0], W[:4].T, beta=2, alpha=0.5).unflatten(
        0, (STEPS, -1)
    ),
    "baddbmm": lambda x, y, s: torch.baddbmm(
        x.flatten(0, 1)[:, :, :4], x.flatten(0, 1), y.flatten(0, 1).mT, beta=0.5
    ).unflatten(0, (STEPS, -1)),
    "scaled_dot_product_attention": lambda x, y, s: F.scaled_dot_product_attention(x, y, x + y),
    "einsum": lambda x, y, s: (
        torch.einsum("tbnd,tbmd->tbnm", x, y)
        + torch.einsum("t b n d, t b k d -> t b k n", x, y)
        + torch.einsum("tbnd,ed->tbne", (x, W[:4]))
        + torch.einsum("ed,tbnd->tben", W[:4], y)
        + torch.einsum("tbnd,ndf->tbf", x, torch.linspace(-1, 1, 96).reshape(4, 6, 4))[:, :, None]
    ),
}
EINSUMS: dict[str, Compute] = {
    "of one": lambda x, y, s: (
        torch.einsum("tbnd->tbdn", x)
        + torch.einsum("tbnd->tbd", y)[..., None]
        + torch.einsum("dcba", y).permute(3, 2, 0, 1)
    ),
    "with an ellipsis": lambda x, y, s: (
        torch.einsum("...nd,...md->...nm", x, y)
        + torch.einsum("...d,ed", x, W[:4])
        + torch.einsum("...d,...d->...", x, y)[..., None]
        + torch.einsum("t...n,n...->t...n", x, W[0, :, None, None])[..., :4]
    ),
    "of a static tensor": lambda x, y, s: (
        torch.einsum("tbnd,bmd->tbnm", x, s)
        + torch.einsum("bmd,tbnd->tbnm", s, y)
        + torch.einsum("tbnd,bnd->tbnd", x, s)[..., :4]
        + torch.einsum("bn,tbn->tbn", s[..., 0], y[..., 0])[..., None]
    ),
    "with lone indices": lambda x, y, s: (
        torch.einsum("tbnd,tbme->tbnm", x, y) + torch.einsum("tbnd,fe->tbn", x, W)[..., None]
    ),
    "elementwise": lambda x, y, s: (
        torch.einsum("tbnd,tbnd->tbdn", x, y)
        + torch.einsum("tbn,tbnd->tbdn", x[..., 0], y)
        + torch.einsum("tbnd,tbid->tbdn", x, y[:, :, :1])
    ),
    "with weights for every row": lambda x, y, s: (
        torch.einsum("tbnd,nd->tbn", x, W[:4])[..., None]
        + torch.einsum("tbnd,nde->tbne", y, torch.linspace(-1, 1, 144).reshape(4, 6, 6))
        + torch.einsum("tbnd,d->tbnd", x, W[0])
    ),
    "of three": lambda x, y, s: (
        torch.einsum("tbnd,tbmd,tbme->tbne", x, y, x) + torch.einsum("tbnd,dk,ke->tbne", y, W.T, W)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "attention to the past": (
        lambda x, y, s: F.scaled_dot_product_attention(x, y, y, is_causal=True),
        "import.attention",
    ),
    "matmul over batch": (lambda x, y, s: x.transpose(1, 3) @ y.transpose(1, 3).mT, "import.axes"),
    "weights from the input": (lambda x, y, s: F.linear(x, x[0, 0]), "import"),
    "constant vector": (lambda x, y, s: x @ torch.ones(6), "import.matmul"),
    "einsum with a repeated index": (lambda x, y, s: torch.einsum("tbnn,tbnm->tbnm", x[..., :4], y), "import.einsum"),
    "einsum over batch": (lambda x, y, s: torch.einsum("tbnd,tcnd->tbcd", x, y), "import.axes"),
    "linear over batch": (lambda x, y, s: F.linear(x.transpose(1, 3), torch.ones(2, x.shape[1])), "import.axes"),
}


class TestMatrixProducts(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED

    @pytest.mark.parametrize("what", EINSUMS)
    def test_einsum_agrees_with_torch(self, what: str, check_rule: Any) -> None:
        check_rule("einsum", EINSUMS[what])
