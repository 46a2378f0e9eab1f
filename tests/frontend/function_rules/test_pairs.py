"""The larger and the smaller of two tensors against torch."""

from __future__ import annotations

import torch

from frontend.function_rules.pairs import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

W = torch.linspace(-1, 1, 30).reshape(5, 6)
CASES: dict[str, Compute] = {
    "maximum": lambda x, y, s: (
        torch.maximum(x, y) + torch.maximum(s, x[:, :, :1]) + torch.maximum(x, torch.tensor(0.5))
    ),
    "minimum": lambda x, y, s: torch.minimum(x, s) + y.minimum(torch.zeros(4, 6) + 0.7),
    "fmax": lambda x, y, s: torch.fmax(x, y),
    "fmin": lambda x, y, s: torch.fmin(x, y[..., :1]),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "larger than several numbers": (lambda x, y, s: torch.maximum(x, W[:4]), "import.maximum"),
}


class TestPairs(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
