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
    "logical_and": lambda x, y, s: torch.logical_and(x > 0.5, y[..., :1] >= 0.4).float(),
    "bitwise_and": lambda x, y, s: torch.bitwise_and(x > 0.5, y >= 0.4).float(),
    "__and__": lambda x, y, s: ((x > 0.5) & (y >= 0.4)).float(),
    "logical_or": lambda x, y, s: torch.logical_or(x > 0.5, y[..., :1] >= 0.4).float(),
    "bitwise_or": lambda x, y, s: torch.bitwise_or(x > 0.5, y >= 0.4).float(),
    "__or__": lambda x, y, s: ((x > 0.5) | (y >= 0.4)).float(),
    "logical_xor": lambda x, y, s: torch.logical_xor(x > 0.5, y[..., :1] >= 0.4).float(),
    "bitwise_xor": lambda x, y, s: torch.bitwise_xor(x > 0.5, y >= 0.4).float(),
    "__xor__": lambda x, y, s: ((x > 0.5) ^ (y >= 0.4)).float(),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "and of numbers": (lambda x, y, s: torch.logical_and(x, y).float(), "import.truth"),
    "and with a constant": (lambda x, y, s: ((x > 0.5) & (W[:4] > 0)).float(), "import.truth"),
    "larger than several numbers": (lambda x, y, s: torch.maximum(x, W[:4]), "import.maximum"),
}


class TestPairs(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
