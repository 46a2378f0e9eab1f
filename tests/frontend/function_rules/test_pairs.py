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
LOGIC = {
    "and": (torch.logical_and, torch.bitwise_and, lambda a, b: a & b),
    "or": (torch.logical_or, torch.bitwise_or, lambda a, b: a | b),
    "xor": (torch.logical_xor, torch.bitwise_xor, lambda a, b: a ^ b),
}
for name, functions in LOGIC.items():
    for rule, function in zip((f"logical_{name}", f"bitwise_{name}", f"__{name}__"), functions, strict=True):
        CASES[rule] = lambda x, y, s, function=function: function(x > 0.5, y[..., :1] >= 0.4).float() + x
REFUSED: dict[str, tuple[Compute, str]] = {
    "or of numbers": (lambda x, y, s: torch.logical_or(x, y).float(), "import.truth"),
    "and with a constant": (lambda x, y, s: ((x > 0.5) & (W[:4] > 0)).float(), "import.truth"),
    "larger than several numbers": (lambda x, y, s: torch.maximum(x, W[:4]), "import.maximum"),
}


class TestPairs(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
