"""Sums, means and lengths, over features and over the window: as torch computes them."""

from __future__ import annotations

import torch

from frontend.function_rules.reductions import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "sum": lambda x, y, s: x.sum((2, 3)) + x.mT.sum(-1).sum(-1) + x.sum(0).sum(1, keepdim=True).sum([1, 2]),
    "mean": lambda x, y, s: x.mean(0).mean(-1, keepdim=True) + x.mean((0, 2)).mean(1)[:, None, None],
    "norm": lambda x, y, s: (
        x.norm(dim=-1, keepdim=True) + x.norm(p=1, dim=-1, keepdim=True) + y.norm(3, 2)[:, :, None, :1]
    ),
    "linalg_vector_norm": lambda x, y, s: (
        torch.linalg.vector_norm(x, dim=2)
        + torch.linalg.vector_norm(y, torch.inf, (2, 3))[..., None]
        + torch.linalg.vector_norm(x, -torch.inf, 0)[:, 0]
        + torch.linalg.vector_norm(y, 0.5, 2)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "sum over batch": (lambda x, y, s: x.sum(1, keepdim=True) + x, "import.axes"),
    "mean of all": (lambda x, y, s: x - x.mean(), "import.axes"),
    "norm of a matrix": (lambda x, y, s: x.norm("nuc", dim=(2, 3)), "import.norm"),
    "sum in double": (lambda x, y, s: x.sum(-1, dtype=torch.float64), "import.dtype"),
}


class TestReductions(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
