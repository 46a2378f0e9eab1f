"""Neuron layers as IR neurons: over the whole window, or step by step, where all steps must fold into one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import LIFNode, ParametricLIFNode
from spikingjelly.clock_driven import neuron as old
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph

torch.set_num_threads(1)
STEPS, SHAPE, OUT = 4, (2, 4, 4), 6
Tensor = torch.Tensor


class Model(nn.Module):
    """A forward pass over its children."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **children: nn.Module) -> None:
        super().__init__()
        self.compute = forward
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def imported(forward: Callable[[Any, Tensor], Any], **children: nn.Module) -> Graph:
    """The graph, checked against the module spike by spike on other samples."""
    torch.manual_seed(1)
    net = Model(forward, **children).eval()
    x = (torch.rand(STEPS, 7, *SHAPE, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    checked = check_import(net, graph, {"x": x})
    assert checked.within_rounding == 0
    assert all(layer.compared for layer in checked.layers)
    return graph


def _container(kind: str) -> nn.Module:
    own = nn.Sequential(layer.Linear(32, OUT), LIFNode())
    if kind == "multi":
        return layer.MultiStepContainer(own)
    container = layer.StepModeContainer(True, own)
    container.step_mode = "m"
    return container


@pytest.mark.parametrize("kind", ["multi", "step mode"])
def test_containers(kind: str) -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        return net.own(net.stateless(x))

    stateless = layer.SeqToANNContainer(nn.Flatten(), nn.BatchNorm1d(32))
    graph = imported(forward, own=_container(kind), stateless=stateless)
    assert [node.op.kind for node in graph.nodes.values()][-2:] == ["linear", "lif"]


@pytest.mark.parametrize("make", [old.LIFNode, old.IFNode, old.ParametricLIFNode, ParametricLIFNode])
def test_neurons_that_only_step(make: Callable[[], nn.Module]) -> None:
    graph = imported(lambda net, x: torch.stack([net.own(2.5 * step.flatten(1)) for step in x]), own=make())
    assert [node.op.kind for node in graph.nodes.values()][-1] == "lif"


def refused(forward: Callable[[Any, Tensor], Any], text: str, where: str) -> None:
    net = Model(forward, own=LIFNode(), fc=nn.Linear(32, OUT)).eval()
    with pytest.raises(CompileError, match=text) as caught:
        trace_module(net, {"x": torch.rand(STEPS, 2, *SHAPE)}, [], STEPS, "net")
    assert caught.value.where == where
    assert caught.value.hint


def _reset_inside(net: Any, x: Tensor) -> Tensor:
    for t in range(STEPS):
        out = net.own(x[t])
        functional.reset_net(net)
    return out


REFUSED: dict[str, tuple[Callable[[Any, Tensor], Any], str]] = {
    "other order": (
        lambda net, x: sum(net.own(x[t]) for t in (0, 2, 1, 3)),
        "reads step 2 of its input at its own step 1",
    ),
    "too few": (lambda net, x: net.own(x[0]) + net.own(x[1]), "runs 2 of 4 steps"),
    "two uses": (
        lambda net, x: sum(net.own(net.own(x[t])) for t in range(STEPS)),
        "runs more than 4 times in a window of 4 steps",
    ),
    "reset inside": (_reset_inside, "is reset in the middle of the window"),
    "whole window": (lambda net, x: net.own(x), "runs step by step, but reads \\(T, B, 2, 4, 4\\) at once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fold_names_the_neuron(case: str) -> None:
    forward, text = REFUSED[case]
    refused(forward, text, "own")


@pytest.mark.parametrize(
    ("forward", "rule", "text"),
    [
        (
            lambda net, x: net.own(torch.zeros(STEPS, x.shape[1], OUT)) + x.sum((2, 3, 4))[..., None],
            "import.constant",
            "does not depend",
        ),
        (lambda net, x: net.own(x.transpose(0, 1)), "import.axes", r"a neuron reads \(B, T, 2, 4, 4\), not \(T, B"),
    ],
)
def test_what_a_neuron_over_the_window_cannot_read(forward: Callable[[Any, Tensor], Any], rule: str, text: str) -> None:
    net = Model(forward, own=LIFNode(step_mode="m")).eval()
    with pytest.raises(CompileError, match=text) as caught:
        trace_module(net, {"x": torch.rand(STEPS, 2, *SHAPE)}, [], STEPS, "net")
    assert (caught.value.rule, caught.value.where) == (rule, "own")


def test_features_as_long_as_the_window_become_its_time() -> None:
    """An image of which every row is shown at a step of its own."""
    net = Model(lambda net, x: net.own(x.permute(2, 0, 1, 3)), own=LIFNode(step_mode="m")).eval()
    graph = trace_module(net, {"x": torch.rand(2, *SHAPE)}, ["x"], STEPS, "net")
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "unfold_time", "lif"]
