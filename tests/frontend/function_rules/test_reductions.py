"""Sums, means and lengths, over features and over the window: as torch computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from frontend.function_rules.reductions import RULES

Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


CASES: dict[str, Compute] = {
    "sum": lambda x, y, s: x.sum((2, 3)) + x.mT.sum(-1).sum(-1) + x.sum(0).sum(1, keepdim=True).sum([1, 2]),
    "mean": lambda x, y, s: x.mean(0).mean(-1, keepdim=True) + x.mean((0, 2)).mean(1)[:, None, None],
    "norm": lambda x, y, s: x.norm(dim=-1, keepdim=True),
    "linalg_vector_norm": lambda x, y, s: torch.linalg.vector_norm(x, dim=2),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "sum over batch": (lambda x, y, s: x.sum(1, keepdim=True) + x, "import.axes"),
    "mean of all": (lambda x, y, s: x - x.mean(), "import.axes"),
    "norm of order 1": (lambda x, y, s: x.norm(p=1, dim=-1), "import.norm"),
    "sum in double": (lambda x, y, s: x.sum(-1, dtype=torch.float64), "import.dtype"),
}


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, check_rule: Any) -> None:
    check_rule(name, CASES[name])


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])
