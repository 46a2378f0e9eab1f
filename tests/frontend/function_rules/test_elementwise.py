"""Elementwise functions: as torch computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from frontend.function_rules.elementwise import RULES

Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


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


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, check_rule: Any) -> None:
    check_rule(name, CASES[name])


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])
