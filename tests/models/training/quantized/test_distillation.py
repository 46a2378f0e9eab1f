"""The distance to the floats: nothing at first, what rates and outputs differ by then; and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based.layer import Dropout
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from models.training.quantized.distillation import SILENT, WEIGHT, Distillation


class Net(nn.Module):
    """One neuron, and a linear layer of the host that reads its rate."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.lif, self.head = nn.BatchNorm1d(1), LIFNode(step_mode="m"), nn.Linear(1, 1, bias=False)
        self.drop = Dropout(0.0, step_mode="m")  # it has a memory, and is no neuron

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.lif.reset()
        return self.head(self.drop(self.lif(self.norm(x.flatten(0, 1)).view_as(x))).mean(dim=0))


@pytest.fixture
def distillation() -> Distillation:
    net, other = Net(), nn.Dropout()
    nn.init.constant_(net.head.weight, 2.0)
    drawn = lambda batch: {"task": net(batch).mean() + 0 * torch.rand(1).mean()}
    result = Distillation({"net": net, "other": other}, ["net"], drawn, frozenset({net.head}))
    net.train()
    other.train()
    return result


STEPS = torch.full((4, 1, 1), 3.0)
"""One sample that fires at every step."""


def test_the_floats_are_no_distance_from_themselves(distillation: Distillation):
    terms = distillation(STEPS)
    assert terms["floats"].item() == 0.0
    assert terms["task"].item() == 2.0


def test_the_distance_is_told_in_parts_of_the_floats_own_square(distillation: Distillation):
    """A rate of 0 in place of 1, and an output of 0 in place of 2."""
    net = distillation.parts["net"]
    assert isinstance(net, Net)
    nn.init.constant_(net.norm.bias, -9.0)
    terms = distillation(STEPS)
    assert terms["floats"].item() == pytest.approx(WEIGHT / 2 * (1 / (1 + SILENT) + 4 / (4 + SILENT)))
    assert net.norm.bias.item() == -9.0, "its own weights are back"


def test_norms_keep_their_statistics_and_parts_that_do_not_learn_their_mode(distillation: Distillation):
    net = distillation.parts["net"]
    assert isinstance(net, Net)
    distillation(STEPS)
    assert float(net.norm.running_mean) == 0.0  # pyright: ignore[reportArgumentType]
    assert net.training
    assert not distillation.parts["other"].training


def test_both_runs_draw_the_same_random_numbers(distillation: Distillation):
    torch.manual_seed(0)
    distillation(STEPS)
    after = torch.rand(1)
    torch.manual_seed(0)
    distillation.losses(STEPS)
    assert torch.equal(after, torch.rand(1))
