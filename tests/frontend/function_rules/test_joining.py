"""Joints and copies of features, with zeros too: as torch computes them; time and batch stay whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from frontend.function_rules.joining import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
TOKEN = torch.arange(1.0, 7.0).reshape(1, 1, 6) / 4


CASES: dict[str, Compute] = {
    "cat": lambda x, y, s: torch.cat((x, y[..., :2], s.expand(STEPS, -1, -1, -1)), dim=-1),
    "concat": lambda x, y, s: torch.concat([x, y], dim=2),
    "concatenate": lambda x, y, s: torch.concatenate([x, y.mT.reshape(y.shape)], dim=2),
    "stack": lambda x, y, s: torch.stack([x, y], dim=2).sum(3) + torch.stack([s[:, :1]] * STEPS).sum(2, keepdim=True),
    "repeat": lambda x, y, s: s.repeat(STEPS, 1, 1, 2) + x[:, :, :1].repeat(1, 1, 4, 2),
    "expand": lambda x, y, s: s.expand(STEPS, *s.shape) + x[..., :1].expand(-1, -1, -1, 6),
    "expand_as": lambda x, y, s: x[:, :, :1].expand_as(y),
    "broadcast_to": lambda x, y, s: torch.broadcast_to(x[:, :, :1], x.shape),
    "vstack": lambda x, y, s: torch.vstack([x]),
    "row_stack": lambda x, y, s: torch.row_stack([y]),
    "hstack": lambda x, y, s: torch.hstack([x.permute(0, 2, 1, 3)[:, :2], y.permute(0, 2, 1, 3)]).permute(0, 2, 1, 3),
    "dstack": lambda x, y, s: torch.dstack([x, torch.zeros_like(y[:, :, :2]), y]),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "join in batch": (lambda x, y, s: torch.cat([x, y], dim=1), "import.axes"),
    "joined to a constant of samples": (
        lambda x, y, s: torch.cat([x, torch.arange(x.shape[1]).view(1, -1, 1, 1).expand(STEPS, -1, 4, 1)], dim=-1),
        "import.axes",
    ),
    "as many copies as steps, and one": (lambda x, y, s: torch.cat([s] * STEPS + [s]), "import.axes"),
    "too few dimensions": (lambda x, y, s: torch.dstack([x[:, :, 0, 0], y[:, :, 0, 0]]), "import.function"),
}


CONSTANTS: dict[str, Compute] = {
    "a token": lambda x, y, s: torch.cat([TOKEN.expand(STEPS, x.shape[1], 1, -1), x, y], dim=2),
    "on both sides": lambda x, y, s: torch.cat([x, torch.ones(3, x.shape[1], 4, 1), y, -torch.ones_like(y)], dim=-1),
    "of steps": lambda x, y, s: torch.cat([torch.arange(3.0).view(3, 1, 1, 1).expand_as(x), x], dim=2),
    "beside a static value": lambda x, y, s: (
        torch.cat([TOKEN[0].expand(s.shape[0], 1, -1), s], dim=1).sum(1) + x.sum(2)
    ),
    "stacked": lambda x, y, s: torch.stack([x, torch.full_like(x, 0.5)], dim=3),
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_constants_are_zeros_and_terms(check_rule: Callable[[str, Compute], None], case: str):
    check_rule("stack" if case == "stacked" else "cat", CONSTANTS[case])


class TestJoining(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


COPIES: dict[str, Compute] = {
    "repeated behind the batch": lambda x, y, s: s.unsqueeze(1).repeat(1, STEPS, 1, 1).flatten(0, 1).mT,
    "repeated, and a feature": lambda x, y, s: s.flatten(1).unsqueeze(1).repeat(1, STEPS, 2).flatten(0, 1),
    "expanded behind the batch": lambda x, y, s: s[:, None].expand(-1, STEPS, -1, -1).flatten(0, 1),
    "stacked behind the batch": lambda x, y, s: torch.stack([s] * STEPS, 1).flatten(0, 1),
}
TILED: dict[str, Compute] = {
    "joined": lambda x, y, s: torch.cat([s for _ in range(STEPS)], 0),
    "repeated": lambda x, y, s: s.repeat(STEPS, 1, 2),
    "repeated, batch and features merged": lambda x, y, s: s.flatten(0, 1).repeat(STEPS, 1).unflatten(0, (-1, 4)),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_behind_the_batch_are_steps(name: str, check_rule: Any, trace_function: Any) -> None:
    def compute(x: torch.Tensor, y: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return COPIES[name](x, y, s).unflatten(0, (-1, STEPS)).transpose(0, 1)  # pyright: ignore

    check_rule("unflatten", compute)
    assert kinds(trace_function(compute)).count("repeat") == 1


@pytest.mark.parametrize("name", TILED)
def test_copies_along_the_batch_are_steps(name: str, check_rule: Any, trace_function: Any) -> None:
    def compute(x: torch.Tensor, y: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return TILED[name](x, y, s).unflatten(0, (STEPS, -1))  # pyright: ignore

    check_rule("unflatten", compute)
    assert kinds(trace_function(compute)).count("repeat") == 1


def test_as_many_copies_of_a_channel_as_steps_are_channels(trace_function: Any) -> None:
    """As a grey image is made an image of three colours."""
    assert "repeat" not in kinds(trace_function(lambda x, y, s: s[:, :1].repeat(1, STEPS, 1)))


def kinds(graph: Any) -> list[str]:
    """What the nodes of a graph are."""
    return [node.op.kind for node in graph.nodes.values()]
