"""Constants that differ from neuron to neuron are parameters; currents with decays of their own are filters before the neuron."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.graph import Node
from ir.interpreter import interpret

Step = Callable[..., Any]


class Net(nn.Module):
    """A window of `step(net, current, other current, *states) -> (spikes, *states)`, states of zeros."""

    def __init__(self, step: Step, shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.step, self.shapes = step, shapes
        self.fc, self.fc2 = nn.Linear(12, 10), nn.Linear(12, 20)
        self.beta, self.th = nn.Parameter(torch.linspace(0.5, 0.9375, 10)), nn.Parameter(torch.linspace(0.25, 1.5, 10))
        self.tau, self.branch = nn.Parameter(torch.randn(10)), nn.Parameter(torch.randn(10, 2))

    def forward(self, x: Tensor) -> Tensor:
        states, out = [torch.zeros(x.shape[1], *shape) for shape in self.shapes], list[Tensor]()
        for now in x:
            spikes, *states = self.step(self, self.fc(now) * 4, self.fc2(now) * 2, *states)
            out.append(spikes)
        return torch.stack(out)


def vectors(net: Net, x: Tensor, _: Tensor, mem: Tensor) -> Any:
    mem = net.beta.clamp(0, 1) * mem + x
    s = (mem > net.th).float()
    return s, mem - s * net.th


def sigmoids(net: Net, x: Tensor, _: Tensor, mem: Tensor) -> Any:
    decay = torch.sigmoid(net.tau)
    mem = decay * mem + (1 - decay) * x
    s = (mem - net.th > 0).float()
    return s, mem * (1 - s)


def exponentials(net: Net, x: Tensor, _: Tensor, syn: Tensor, mem: Tensor, s: Tensor) -> Any:
    alpha, beta = torch.exp(-1 / (1 + net.tau.abs())), torch.exp(-1 / (4 + net.tau.abs()))
    syn = alpha * syn + x
    mem = (beta * mem + (1 - beta) * syn) * (1 - s)
    s = (mem > 0.25).float()
    return s, syn, mem, s


def branches(net: Net, _: Tensor, x: Tensor, d: Tensor, mem: Tensor, s: Tensor) -> Any:
    beta, alpha = torch.sigmoid(net.branch), torch.sigmoid(net.tau)
    d = beta * d + (1 - beta) * x.reshape(-1, 10, 2)
    mem = mem * alpha + (1 - alpha) * 4 * d.sum(dim=2) - s
    s = (mem > 1.0).float()
    return s, d, mem, s


def two_filters(net: Net, x: Tensor, y: Tensor, a: Tensor, b: Tensor, mem: Tensor) -> Any:
    a, b = 0.5 * a + x, 0.75 * b + 0.25 * y[:, :10]
    mem = 0.5 * mem + a + 2 * b
    s = (mem >= 1.0).float()
    return s, a, b, mem * (1 - s)


CASES: dict[str, tuple[Step, tuple[tuple[int, ...], ...], set[str], list[str]]] = {
    "decays and thresholds": (vectors, ((10,),), {"decay", "threshold"}, ["lif"]),
    "sigmoids": (sigmoids, ((10,),), {"decay", "threshold"}, ["lif"]),
    "exponentials": (exponentials, ((10,),) * 3, {"decay", "gain", "current_decay"}, ["lif"]),
    "dendritic branches": (branches, ((10, 2), (10,), (10,)), {"decay", "gain"}, ["leaky", "leaky", "lif"]),
    "two filters": (two_filters, ((10,),) * 3, set(), ["leaky", "leaky", "lif"]),
}


@pytest.mark.parametrize("case", CASES)
def test_neurons_with_constants_of_their_own(case: str) -> None:
    step, shapes, expected, kinds = CASES[case]
    net, x = Net(step, shapes).eval(), (torch.rand(8, 3, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], len(x), "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    neurons: list[Node] = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert [node.op.kind for node in neurons] == kinds
    assert {role for role, _ in neurons[-1].params} == expected
    (ours,) = interpret(graph, {"x": x}).values()
    with torch.no_grad():
        assert torch.equal(ours, net(x))
    assert 0.02 < ours.mean() < 0.98
