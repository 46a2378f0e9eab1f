"""Membranes that a model writes out and reads out: leaky integrators, membranes before and after resets, means of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from frontend.tracing.written.written_membranes import remembers
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Leaky, Scale


class Net(nn.Module):
    """A spiking layer, and a read-out that is given."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.run, self.fc, self.out = run, nn.Linear(12, 10), nn.Linear(10, 5)

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def imported(run: Callable[..., Any]) -> Graph:
    net, x = Net(run).eval(), (torch.rand(6, 3, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], len(x), "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    with torch.no_grad():
        theirs = net(x)
    ours = list(interpret(graph, {"x": x}).values())
    for mine, own in zip(ours, theirs if isinstance(theirs, tuple) else (theirs,), strict=True):
        torch.testing.assert_close(mine if mine.shape == own.shape else mine[0], own, rtol=1e-5, atol=1e-5)
        assert own.abs().sum() > 0
    return graph


def readout(end: Callable[[list[Any]], Any], leak: Callable[[Any, Any], Any] = lambda o, z: 0.75 * o + z) -> Any:
    """A leaky integrator behind spikes; `end` makes the output of its steps."""

    def run(net: Net, x: Tensor) -> Any:
        mem, o, outs = 0.0, 0.0, list[Any]()
        for now in x:
            mem = 0.5 * mem + net.fc(now) * 4
            z = (mem > 1.0).float()
            mem = mem * (1 - z)
            o = leak(o, net.out(z))
            outs.append(o)
        return end(outs)

    return run


ENDS: dict[str, Callable[[list[Any]], Any]] = {
    "the window": torch.stack,
    "batch first": lambda outs: torch.stack(outs, dim=1).transpose(0, 1),
    "the last": lambda outs: outs[-1],
    "the largest": lambda outs: torch.stack(outs).max(0)[0],
    "the mean": lambda outs: sum(outs) / len(outs),
    "the mean of the window": lambda outs: torch.stack(outs).mean(0),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("leak", [lambda o, z: 0.75 * o + z, lambda o, z: 0.9 * o + 0.1 * z])
def test_leaky_integrators_become_neurons_without_threshold(end: str, leak: Any) -> None:
    graph = imported(readout(ENDS[end], leak))
    assert [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"] == ["lif", "leaky"]


def spiking(step: Callable[[Any, Any, Any], tuple[Any, Any, Any]], end: Callable[..., Any]) -> Any:
    """`step(mem, z, current) -> (mem, z, what is read out)`."""

    def run(net: Net, x: Tensor) -> Any:
        mem, z, read, spikes = 0.0, 0.0, list[Any](), list[Any]()
        for now in x:
            mem, z, value = step(mem, z, net.fc(now) * 4)
            read.append(value)
            spikes.append(z)
        return end(read, spikes)

    return run


def after(mem: Any, z: Any, x: Any) -> Any:
    mem = 0.5 * mem + x
    z = (mem > 1.0).float()
    mem = mem * (1 - z)
    return mem, z, mem


def before(mem: Any, z: Any, x: Any) -> Any:
    mem = 0.5 * mem + x
    z = (mem - 1.0 > 0).float()
    return mem - z, z, mem


def late(mem: Any, z: Any, x: Any) -> Any:
    mem = 0.5 * mem + x - z
    return mem, (mem > 1.0).float(), mem


def unreset(mem: Any, z: Any, x: Any) -> Any:
    mem = 0.5 * mem + x
    return mem, (mem > 1.0).float(), mem


def window(read: Any, spikes: Any) -> Any:
    return torch.stack(read), torch.stack(spikes)


@pytest.mark.parametrize(
    ("step", "kind"), [(after, "potential"), (before, "potential"), (late, "leaky"), (unreset, "leaky")]
)
@pytest.mark.parametrize(
    "end", [window, lambda read, spikes: read[-1], lambda read, spikes: torch.stack(read).max(0)[0]]
)
def test_membranes_of_neurons_that_fire(step: Any, kind: str, end: Any) -> None:
    kinds = [node.op.kind for node in imported(spiking(step, end)).nodes.values() if node.op.family == "neuron"]
    assert set(kinds) <= {"lif", kind}
    assert kind in kinds


def test_a_mean_of_membranes() -> None:
    imported(spiking(before, lambda read, spikes: sum(read) / len(read) + 0.5))


def test_what_is_no_membrane_is_refused() -> None:
    def scaled(mem: Any, z: Any, x: Any) -> Any:
        mem, z, _ = after(mem, z, x)
        return mem, z, 2 * mem

    with pytest.raises(CompileError, match="scale it behind the loop"):
        imported(spiking(scaled, window))


def test_sums_of_emissions_are_no_membranes() -> None:
    assert not remembers(Leaky(0.0, form="sum"), [Scale(2.0)])
    assert remembers(Leaky(0.0, form="sum"), [Leaky(0.5)])
    assert remembers(Leaky(0.0, form="sum", current_decay=0.5), [])


def counted(end: Callable[[Any, Tensor], Any], add: Callable[[Any, Tensor], Any] = lambda n, z: n + z) -> Any:
    """Spikes that a loop counts; `end` makes the output of what they are at the end."""

    def run(net: Net, x: Tensor) -> Any:
        mem, n = torch.zeros(x.shape[1], 10), torch.zeros(x.shape[1], 10)
        for now in x:
            mem = 0.5 * mem + net.fc(now) * 4
            z = (mem > 1.0).float()
            mem, n = mem * (1 - z), add(n, z)
        return end(net, n)

    return run


COUNTS: dict[str, Callable[[Any, Tensor], Any]] = {
    "a layer": lambda net, n: net.out(n),
    "rates through a layer": lambda net, n: net.out(n / 6),
    "softmax": lambda net, n: torch.softmax(n, -1),
    "groups": lambda net, n: n.view(-1, 5, 2).sum(-1),
    "a part": lambda net, n: n[:, :5],
    "twice": lambda net, n: (n, net.out(n)),
}


@pytest.mark.parametrize("end", COUNTS)
@pytest.mark.parametrize("add", [lambda n, z: n + z, lambda n, z: n.add_(z), lambda n, z: 0.75 * n + z])
def test_what_was_added_up_goes_on_as_a_value(end: str, add: Any) -> None:
    imported(counted(COUNTS[end], add))


def test_a_sum_that_is_read_before_its_end_is_no_value() -> None:
    def run(net: Net, x: Tensor) -> Any:
        mem, n, outs = torch.zeros(x.shape[1], 10), torch.zeros(x.shape[1], 10), list[Tensor]()
        for now in x:
            mem = 0.5 * mem + net.fc(now) * 4
            z = (mem > 1.0).float()
            mem, n = mem * (1 - z), n + z
            outs.append(net.out(n))
        return torch.stack(outs)

    with pytest.raises(CompileError, match=r"used as a value \(linear\)"):
        imported(run)
