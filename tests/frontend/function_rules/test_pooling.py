"""Pooling, plain and adaptive: as torch computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from frontend.function_rules.pooling import RULES

STEPS = 3
Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


CASES: dict[str, Compute] = {
    "avg_pool1d": lambda x, y, s: F.avg_pool1d(x.flatten(0, 1), 2).unflatten(0, (STEPS, -1)),
    "avg_pool2d": lambda x, y, s: F.avg_pool2d(x.flatten(0, 1)[:, None], 2, 1, 1).unflatten(0, (STEPS, -1)),
    "max_pool1d": lambda x, y, s: F.max_pool1d(-x.flatten(0, 1), 3, 2, 1).unflatten(0, (STEPS, -1)),
    "max_pool2d": lambda x, y, s: F.max_pool2d(
        x.flatten(0, 1)[:, None], (3, 2), 1, (1, 0), (1, 2), ceil_mode=True
    ).unflatten(0, (STEPS, -1)),
    "adaptive_max_pool1d": lambda x, y, s: F.adaptive_max_pool1d(x.flatten(0, 1), 2).unflatten(0, (STEPS, -1)),
    "adaptive_max_pool2d": lambda x, y, s: F.adaptive_max_pool2d(x.flatten(0, 1)[:, None], (1, 1)).unflatten(
        0, (STEPS, -1)
    ),
    "adaptive_avg_pool1d": lambda x, y, s: (
        F.adaptive_avg_pool1d(x.flatten(0, 1), 1).unflatten(0, (STEPS, -1))
        + F.adaptive_avg_pool1d(x.flatten(0, 1), 6).unflatten(0, (STEPS, -1))
    ),
    "adaptive_avg_pool2d": lambda x, y, s: (
        F.adaptive_avg_pool2d(x.flatten(0, 1), (1, 1)).unflatten(0, (STEPS, -1))
        + F.adaptive_avg_pool2d(x.flatten(0, 1)[:, None], (None, 3))[:, 0]
        .unflatten(0, (STEPS, -1))
        .sum(3, keepdim=True)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "pool with ceil": (lambda x, y, s: F.avg_pool2d(x.flatten(0, 1)[:, None], 4, ceil_mode=True), "import.pool"),
    "adaptive pool with overlap": (lambda x, y, s: F.adaptive_avg_pool1d(x.flatten(0, 1), 4), "import.pool"),
    "adaptive pool that repeats": (lambda x, y, s: F.adaptive_max_pool1d(x.flatten(0, 1), 7), "import.pool"),
    "max pool cut short": (lambda x, y, s: F.max_pool2d(x.flatten(0, 1)[:, None], 4, ceil_mode=True), "import.pool"),
    "max pool indices": (lambda x, y, s: F.max_pool1d(x.flatten(0, 1), 2, return_indices=True)[0], "import.function"),
    "max pool over tokens of time": (lambda x, y, s: F.max_pool1d(x.flatten(2), 2), "import.axes"),
    "pool without its padding": (
        lambda x, y, s: F.avg_pool2d(x.flatten(0, 1)[:, None], 2, 1, 1, count_include_pad=False),
        "import.pool",
    ),
}


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, check_rule: Any) -> None:
    check_rule(name, CASES[name])


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])
