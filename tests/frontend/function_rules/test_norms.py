"""Norms: as torch computes them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from frontend.function_rules.norms import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
W = torch.linspace(-1, 1, 30).reshape(5, 6)
Tensor = torch.Tensor


def _normed(x: Tensor, s: Tensor) -> Tensor:
    channels = F.batch_norm(x.flatten(0, 1).mT, W[0], W[1].abs() + 0.5, W[2], W[3]).mT.unflatten(0, (STEPS, -1))
    steps = F.batch_norm(x.transpose(0, 1), W[0, :3], W[1, :3].abs() + 0.5).transpose(0, 1)
    return channels + steps + F.batch_norm(s, W[0, :4], W[1, :4].abs() + 0.5)


CASES: dict[str, Compute] = {
    "batch_norm": lambda x, y, s: _normed(x, s),
    "layer_norm": lambda x, y, s: F.layer_norm(x, (6,), W[0], W[1]) + F.layer_norm(x, (4, 6), W[:4]),
    "group_norm": lambda x, y, s: (
        F.group_norm(x.flatten(0, 1), 2, W[0, :4], W[1, :4]).unflatten(0, (STEPS, -1))
        + F.group_norm(s, 1, None, W[2, :4])
    ),
    "instance_norm": lambda x, y, s: (
        F.instance_norm(x.flatten(0, 1), None, None, W[0, :4], W[1, :4]).unflatten(0, (STEPS, -1))
        + F.instance_norm(s)
        + F.instance_norm(s, W[0, :4], W[1, :4].abs() + 0.5, W[2, :4], W[3, :4], use_input_stats=False)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "norm of a batch": (lambda x, y, s: F.batch_norm(s, None, None, training=True), "import.batch_norm"),
    "norm over time": (lambda x, y, s: F.layer_norm(x, x.shape), "import.axes"),
    "groups of the batch": (lambda x, y, s: F.group_norm(x, 1), "import.axes"),
}


class TestNorms(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
