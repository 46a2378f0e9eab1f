"""Elementwise functions: as torch computes them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from frontend.function_rules.elementwise import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "pow": lambda x, y, s: torch.pow(x, 2) + x.pow(1.5) + x**0.5 + x.pow(1),
    "square": lambda x, y, s: torch.square(x),
    "sqrt": lambda x, y, s: x.sqrt(),
    "neg": lambda x, y, s: torch.neg(x),
    "negative": lambda x, y, s: x.negative(),
    "abs": lambda x, y, s: (x - y).abs(),
    "absolute": lambda x, y, s: torch.absolute(x - 0.5),
    "exp": lambda x, y, s: x.exp(),
    "log": lambda x, y, s: torch.log(x),
    "clamp": lambda x, y, s: x.clamp(min=0.4),
    "clamp_min": lambda x, y, s: x.clamp_min(0.4),
    "clip": lambda x, y, s: torch.clip(x, 0.3),
    "relu": lambda x, y, s: F.relu(x - y),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "power of a tensor": (lambda x, y, s: x**y, "import.power"),
    "upper limit": (lambda x, y, s: x.clamp(0.0, 1.0), "import.clamp"),
}


class TestElementwise(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
