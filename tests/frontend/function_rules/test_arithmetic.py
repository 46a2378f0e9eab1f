"""Sums, differences, products and quotients, of two tensors and with constants of every shape: as torch computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from frontend.function_rules.arithmetic import RULES

W = torch.linspace(-1, 1, 30).reshape(5, 6)
COLUMN = torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


CASES: dict[str, Compute] = {
    "add": lambda x, y, s: x.add(y) + torch.add(x.mT, 1.5).mT + x.add(s) + (COLUMN + y.mT.reshape(y.shape) + 2.0),
    "sub": lambda x, y, s: x.sub(y).sub(0.25),
    "subtract": lambda x, y, s: torch.subtract(x, COLUMN),
    "__rsub__": lambda x, y, s: 1.0 - x - y[:, :, :1] - COLUMN,
    "rsub": lambda x, y, s: torch.rsub(x, y) + torch.rsub(x, 2.0),
    "mul": lambda x, y, s: x.mul(y) * torch.tensor(0.5),
    "multiply": lambda x, y, s: torch.multiply(x, s) * COLUMN + x * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1),
    "div": lambda x, y, s: x.div(y),
    "divide": lambda x, y, s: torch.divide(x, 3.0),
    "true_divide": lambda x, y, s: torch.true_divide(x, COLUMN),
    "__rdiv__": lambda x, y, s: (2.0 / x) / s,
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "constant in time": (lambda x, y, s: x + torch.arange(3.0).reshape(3, 1, 1, 1), "import.time"),
    "constant in time and features": (lambda x, y, s: x * W[:3].reshape(3, 1, 1, 6), "import"),
    "constant in the batch": (lambda x, y, s: x * torch.arange(x.shape[1]).reshape(-1, 1, 1), "import.axes"),
    "constant of another library": (lambda x, y, s: x * np.float32(2.0), "import.constant"),
    "rounding division": (lambda x, y, s: torch.div(x, 2, rounding_mode="floor"), "import.divide"),
    "alpha": (lambda x, y, s: torch.add(x, y, alpha=2), "import.alpha"),
}


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, check_rule: Any) -> None:
    check_rule(name, CASES[name])


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])
