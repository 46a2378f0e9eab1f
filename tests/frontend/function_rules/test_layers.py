"""Norms, convolutions and dropout: as torch computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.function_rules.layers import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
W = torch.linspace(-1, 1, 30).reshape(5, 6)
Tensor = torch.Tensor


def _kernel(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def _normed(x: Tensor, s: Tensor) -> Tensor:
    channels = F.batch_norm(x.flatten(0, 1).mT, W[0], W[1].abs() + 0.5, W[2], W[3]).mT.unflatten(0, (STEPS, -1))
    steps = F.batch_norm(x.transpose(0, 1), W[0, :3], W[1, :3].abs() + 0.5).transpose(0, 1)
    return channels + steps + F.batch_norm(s, W[0, :4], W[1, :4].abs() + 0.5)


CASES: dict[str, Compute] = {
    "batch_norm": lambda x, y, s: _normed(x, s),
    "layer_norm": lambda x, y, s: F.layer_norm(x, (6,), W[0], W[1]) + F.layer_norm(x, (4, 6), W[:4]),
    "conv1d": lambda x, y, s: F.conv1d(x.flatten(0, 1), _kernel(4, 2, 3), padding="same", groups=2).unflatten(
        0, (STEPS, -1)
    ),
    "conv2d": lambda x, y, s: F.conv2d(
        x.flatten(0, 1).unsqueeze(1), _kernel(2, 1, 3, 2), torch.ones(2), (1, 2), (1, 0), (1, 2)
    ).unflatten(0, (STEPS, -1)),
    "dropout": lambda x, y, s: F.dropout(x, 0.5, training=False),
    "dropout1d": lambda x, y, s: F.dropout1d(x.flatten(0, 1), training=False).unflatten(0, (STEPS, -1)),
    "dropout2d": lambda x, y, s: F.dropout2d(x, training=False),
    "alpha_dropout": lambda x, y, s: F.alpha_dropout(x, training=False),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "norm of a batch": (lambda x, y, s: F.batch_norm(s, None, None, training=True), "import.batch_norm"),
    "dropout": (lambda x, y, s: F.dropout(x, 0.5, training=True), "import.random"),
    "norm over time": (lambda x, y, s: F.layer_norm(x, x.shape), "import.axes"),
    "convolution over time": (lambda x, y, s: F.conv1d(x[:, :, 0], torch.ones(1, x.shape[1], 1)), "import.axes"),
    "kernel from the input": (lambda x, y, s: F.conv1d(x.flatten(0, 1), s[..., :3]), "import.weight"),
}


class TestLayers(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_uneven_padding_is_refused(check_refused: Any) -> None:
    check_refused(lambda x, y, s: F.conv1d(x.flatten(0, 1), _kernel(4, 4, 2), padding="same"), "import.padding")
