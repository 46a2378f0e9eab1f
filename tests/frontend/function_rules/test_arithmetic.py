"""Sums, differences, products and quotients, of two tensors and with constants of every shape: as torch computes them."""

from __future__ import annotations

import numpy as np
import torch

from frontend.function_rules.arithmetic import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

W = torch.linspace(-1, 1, 30).reshape(5, 6)
COLUMN = torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
STEPS, BY_STEP = torch.arange(3.0).reshape(3, 1, 1, 1), W[:3].reshape(3, 1, 1, 6)
Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "add": lambda x, y, s: (
        (x[..., :1] + BY_STEP)
        + x.mT.add(STEPS).mT
        + x.add(y)
        + torch.add(x.mT, 1.5).mT
        + x.add(s)
        + (COLUMN + y.mT.reshape(y.shape) + 2.0)
        + torch.add(x, y, alpha=2)
        + x.add(COLUMN, alpha=0.5)
    ),
    "sub": lambda x, y, s: x.sub(y).sub(0.25).sub(y, alpha=0.5) - torch.sub(COLUMN, s, alpha=-3),
    "subtract": lambda x, y, s: torch.subtract(x, COLUMN),
    "__rsub__": lambda x, y, s: 1.0 - x - y[:, :, :1] - COLUMN,
    "rsub": lambda x, y, s: torch.rsub(x, y) + torch.rsub(x, 2.0, alpha=0.5),
    "mul": lambda x, y, s: (
        x.mul(y) * torch.tensor(0.5) + (x.permute(1, 3, 2, 0) * W[:3].T[:, None]).permute(3, 0, 2, 1)
    ),
    "multiply": lambda x, y, s: torch.multiply(x, s) * COLUMN + x * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1),
    "div": lambda x, y, s: x.div(y),
    "divide": lambda x, y, s: torch.divide(x, 3.0) * np.float32(0.3) + np.float64(0.25),
    "true_divide": lambda x, y, s: torch.true_divide(x, COLUMN),
    "__rdiv__": lambda x, y, s: (2.0 / x) / s,
    "addcmul": lambda x, y, s: (
        torch.addcmul(x, y, s)
        + x.addcmul(COLUMN, y, value=-0.5)
        + torch.addcmul(COLUMN, y, y, value=2)
        + x.addcmul(COLUMN, W[:4, :1])
    ),
    "addcdiv": lambda x, y, s: torch.addcdiv(x, y, s, value=0.5) + x.addcdiv(COLUMN, W[:4, :1]) + y.addcdiv(x, COLUMN),
    "lerp": lambda x, y, s: (
        torch.lerp(x, y, 0.25)
        + x.lerp(COLUMN.expand(4, 6), 0.75)
        + torch.lerp(COLUMN.expand(4, 6), y, W[:4] ** 2)
        + torch.lerp(COLUMN.expand(4, 6), W[:4], y)
        + x.lerp(end=y, weight=s)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "constant in the batch": (lambda x, y, s: x * torch.arange(x.shape[1]).reshape(-1, 1, 1), "import.axes"),
    "constant of another library": (lambda x, y, s: x * np.bool_(True), "import.constant"),
    "rounding division": (lambda x, y, s: torch.div(x, 2, rounding_mode="floor"), "import.divide"),
}


class TestArithmetic(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
