"""Pooling, plain and adaptive: as torch computes it."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from frontend.function_rules.pooling import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
Tensor = torch.Tensor


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


class TestPooling(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
