"""Neurons that a model writes out, whose spikes come back through weights: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from frontend.tracing.written.loops.recognition import Firing
from frontend.tracing.written.sites import memoryless
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Lif


class AboveZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        return v.gt(0).float()


fire = AboveZero.apply
Forward = Callable[["Net", Tensor], Tensor]
STEPS = 8


class Net(nn.Module):
    """Weights, and a forward that is given."""

    def __init__(self, run: Forward) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.run = run
        self.fc, self.rec, self.fc2, self.back = (
            nn.Linear(12, 10),
            nn.Linear(10, 10),
            nn.Linear(10, 8),
            nn.Linear(8, 10),
        )
        self.w, self.v = (nn.Parameter(torch.randint(-4, 9, (n, 10)) / 8) for n in (12, 10))
        self.fc.weight.data, self.fc2.weight.data = (
            torch.randint(-4, 9, (10, 12)) / 8,
            torch.randint(-4, 9, (8, 10)) / 8,
        )

        self.norm = nn.BatchNorm1d(10)
        for tensor in (self.norm.running_mean, self.norm.running_var, self.norm.weight, self.norm.bias):
            assert tensor is not None
            tensor.data = torch.rand(10) / 2 + 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def imported(run: Forward) -> Graph:
    net, x = Net(run).eval(), (torch.rand(8, 3, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], len(x), "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    with torch.no_grad():
        theirs = net(x)
    (ours,) = interpret(graph, {"x": x}).values()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert 0.02 < theirs.mean() < 0.98
    return graph


def loop(step: Callable[..., Any], *sizes: int) -> Forward:
    """A window of `step(net, x, *states) -> (spikes, *states)`, states starting as zeros."""

    def run(net: Net, x: Tensor) -> Tensor:
        states, out = [torch.zeros(x.shape[1], n) for n in sizes], list[Tensor]()
        for now in x:
            spikes, *states = step(net, now, *states)
            out.append(spikes)
        return torch.stack(out)

    return run


def zero_late(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
    mem = 0.5 * mem * (1 - s) + x @ net.w + s @ net.v
    s = fire(mem - 1.0)
    return s, mem, s


def with_biases(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
    mem = 0.5 * mem + net.fc(x) + net.rec(s) - s
    s = (mem > 1.0).float()
    return s, mem, s


def euler(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
    mem = mem + (x @ net.w - mem) / 2.0 + s @ net.v
    s = fire(mem - 0.5)
    return s, torch.where(s > 0, torch.zeros_like(mem), mem), s


def synaptic(net: Net, x: Tensor, syn: Tensor, mem: Tensor, s: Tensor) -> Any:
    syn = 0.75 * syn + net.fc(x) + s @ net.v
    mem = 0.5 * mem + syn - s
    s = (mem >= 1.0).float()
    return s, syn, mem, s


def one_behind(net: Net, x: Tensor, syn: Tensor, mem: Tensor) -> Any:
    s = fire(mem - 1.0)
    syn, mem = 0.75 * syn + x @ net.w + s @ net.v, (0.5 * mem + syn) * (1.0 - s.detach())
    return s, syn, mem


def two_layers(net: Net, x: Tensor, m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> Any:
    m1 = 0.5 * m1 * (1 - s1) + net.fc(x) + net.back(s2)
    s1 = fire(m1 - 0.5)
    m2 = 0.75 * m2 + net.fc2(s1) - s2
    s2 = fire(m2 - 1.0)
    return s2, m1, s1, m2, s2


def a_step_later(net: Net, x: Tensor, m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> Any:
    m2 = 0.75 * m2 * (1 - s2) + net.fc2(s1)
    m1 = 0.5 * m1 * (1 - s1) + net.fc(x) + net.rec(s1)
    s1, s2 = fire(m1 - 0.5), fire(m2 - 0.5)
    return s2, m1, s1, m2, s2


def taken_by_an_amount(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
    mem = 0.5 * mem + x @ net.w - 0.75 * s
    s = fire(mem - 1.0)
    return s, mem, s


def normed(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
    mem = 0.5 * mem * (1 - s) + net.norm(x @ net.w + net.rec(s))
    s = fire(mem - 1.0)
    return s, mem, s


LOOPS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "zero late": (zero_late, (10, 10)),
    "with biases": (with_biases, (10, 10)),
    "euler": (euler, (10, 10)),
    "synaptic": (synaptic, (10, 10, 10)),
    "one step behind": (one_behind, (10, 10)),
    "two layers": (two_layers, (10, 10, 8, 8)),
    "a layer a step later": (a_step_later, (10, 10, 8, 8)),
    "a norm of the recurrent sum": (normed, (10, 10)),
    "a spike takes another amount": (taken_by_an_amount, (10, 10)),
}


@pytest.mark.parametrize("case", LOOPS)
def test_spikes_come_back_as_in_the_module(case: str) -> None:
    step, sizes = LOOPS[case]
    graph = imported(loop(step, *sizes))
    neurons = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert len(neurons) == (2 if len(sizes) == 4 else 1)
    assert all(type(node.op) is Lif for node in neurons)
    assert bool(graph.loops)


def test_a_synaptic_current_is_part_of_the_neuron() -> None:
    (node,) = [node for node in imported(loop(synaptic, 10, 10, 10)).nodes.values() if node.op.family == "neuron"]
    assert isinstance(node.op, Lif)
    assert (node.op.decay, node.op.current_decay, node.op.reset, node.op.reset_at) == (0.5, 0.25, "subtract", "next")


def test_weights_that_are_left_out_at_the_first_step() -> None:
    def run(net: Net, x: Tensor) -> Tensor:
        mem, s, out = 0.0, None, list[Tensor]()
        for now in x:
            current = net.fc(now) if s is None else net.fc(now) + net.rec(s)
            mem = 0.5 * mem + current
            s = fire(mem - 1.0)
            mem = mem * (1 - s)
            out.append(s)
        return torch.stack(out)

    imported(run)


def test_layers_one_after_another_that_write_into_zeros() -> None:
    def run(net: Net, x: Tensor) -> Tensor:
        for weights, back, n in ((net.fc, net.rec, 10), (net.fc2, lambda s: 0.5 * s, 8)):
            mem = s = torch.zeros(x.shape[1], n)
            out = torch.zeros(len(x), x.shape[1], n)
            for t in range(len(x)):
                mem = 0.5 * mem + weights(x[t]) + back(s) - s
                s = fire(mem - 1.0)
                out[t] = s
            x = out
        return x

    imported(run)


def test_what_is_no_neuron_says_why() -> None:
    def forward(net: Net, x: Tensor) -> Tensor:
        mem, s, old, out = torch.zeros(3, 10), torch.zeros(3, 10), torch.zeros(3, 10), list[Tensor]()
        for now in x:
            mem, old = 0.5 * mem + now @ net.w - old, s
            s = fire(mem - 1.0)
            out.append(s)
        return torch.stack(out)

    with pytest.raises(CompileError, match="2 steps before"):
        imported(forward)


def added(s: Tensor, residual: Tensor) -> Tensor:
    s += residual
    return s


WRITTEN: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "added": (added, "is reset by spikes that those of another layer were added to"),
    "multiplied": (lambda s, residual: s.mul_(residual), "is reset by spikes that others were multiplied with"),
}


def residual(write: Callable[[Tensor, Tensor], Tensor], at_once: bool) -> Callable[..., Any]:
    """A residual written into the spikes of the second layer, of which the reset has taken effect, or reads them later."""

    def step(net: Net, x: Tensor, m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> Any:
        m1 = 0.5 * m1 * (1 - s1) + net.fc(x)
        s1 = fire(m1 - 0.5)
        m2 = 0.5 * (m2 if at_once else m2 * (1 - s2)) + s1 @ net.v
        s2 = fire(m2 - 0.5)
        m2 = m2 * (1 - s2) if at_once else m2
        s2 = write(s2, s1)
        return s2 * 0.25, m1, s1, m2, s2

    return step


@pytest.mark.parametrize("case", WRITTEN)
def test_residuals_written_into_spikes(case: str) -> None:
    write, what = WRITTEN[case]
    imported(loop(residual(write, at_once=True), 10, 10, 10, 10))
    with pytest.raises(CompileError, match=what) as caught:
        imported(loop(residual(write, at_once=False), 10, 10, 10, 10))
    assert "spike.clone()" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("function", "what"),
    [(torch.relu, "clamps what it reads"), (lambda x: x @ torch.eye(10), "at one step and not at others")],
)
def test_functions_of_a_recurrent_sum_say_what_is_read(function: Callable[[Tensor], Tensor], what: str) -> None:
    def step(net: Net, x: Tensor, mem: Tensor, s: Tensor) -> Any:
        mem = 0.5 * mem * (1 - s) + function(x @ net.w + net.rec(s))
        s = fire(mem - 1.0)
        return s, mem, s

    with pytest.raises(CompileError, match=what) as caught:
        imported(loop(step, 10, 10))
    assert "go before the sum" in (caught.value.hint or "")


def test_what_fires_before_it_is_known_what_it_remembers() -> None:
    assert memoryless(Firing(0.5, ">")) == Lif(decay=1.0, form="sum", threshold=0.5, comparator=">")
    assert memoryless(Firing(1.0, "round", 4)).reset == "subtract"


def behind_the_comparison(net: Net, x: Tensor, m1: Tensor, m2: Tensor) -> Any:
    s1, s2 = fire(m1 / 0.5 - 1.0), fire(m2 - 0.75)
    m1, m2 = 0.75 * m1 + net.fc(x) - 0.5 * s1, 0.5 * m2 + net.fc2(s1) - 0.75 * s2
    return s2, m1, m2


def late_with_a_filter(net: Net, x: Tensor, syn: Tensor, mem: Tensor) -> Any:
    s = fire(mem - 1.0)
    syn, mem = 0.5 * syn + x @ net.w, (0.75 * mem + syn) * (1.0 - s)
    return s, syn, mem


@pytest.mark.parametrize(("step", "sizes"), [(behind_the_comparison, (10, 8)), (late_with_a_filter, (10, 10))])
def test_a_still_current_behind_the_comparison_is_absent_at_the_first_step(
    step: Callable[..., Any], sizes: tuple[int, ...]
) -> None:
    def run(net: Net, image: Tensor) -> Tensor:
        states, out = [torch.zeros(len(image), n) for n in sizes], list[Tensor]()
        for _ in range(STEPS):
            spikes, *states = step(net, image, *states)
            out.append(spikes)
        return torch.stack(out)

    net, repeated = Net(run).eval(), Net(loop(step, *sizes)).eval()
    x = torch.rand(3, 12, generator=torch.Generator().manual_seed(0)).mul(8).round() / 8
    still = trace_module(net, {"x": x}, ["x"], STEPS, "net")
    timed = trace_module(repeated, {"x": x.expand(STEPS, 3, 12)}, [], STEPS, "net")
    assert check_import(net, still, {"x": x}).within_rounding == 0
    (ours,), (theirs,) = (
        interpret(still, {"x": x[None]}).values(),
        interpret(timed, {"x": x.expand(STEPS, 3, 12)}).values(),
    )
    assert torch.equal(ours, theirs)
    with torch.no_grad():
        assert torch.equal(ours, net(x))
    assert 0.02 < ours.mean() < 0.98
    assert not ours[0].any()


def shortcut(net: Net, x: Tensor, m1: Tensor, m2: Tensor) -> Any:
    current = net.fc(x)
    m1 = 0.5 * m1 + current
    s1 = fire(m1 - 1.0)
    m1 = m1 * (1 - s1)
    m2 = 0.5 * m2 + (current + net.rec(s1))
    s2 = fire(m2 - 1.0)
    return s2, m1, m2 * (1 - s2)


def fast_and_slow(net: Net, x: Tensor, m1: Tensor, m2: Tensor) -> Any:
    current = x @ net.w
    m1, m2 = 0.5 * m1 + current, 0.875 * m2 + current
    s1, s2 = fire(m1 - 1.0), fire(m2 - 1.0)
    return torch.cat([s1, s2], -1), m1 - s1, m2 - s2


def behind_spikes(net: Net, x: Tensor, m1: Tensor, m2: Tensor, m3: Tensor) -> Any:
    m1 = 0.5 * m1 + net.fc(x)
    s1 = fire(m1 - 1.0)
    current = s1 @ net.v
    m2, m3 = 0.5 * m2 + current, 0.75 * m3 + current
    s2, s3 = fire(m2 - 1.0), fire(m3 - 1.0)
    return torch.cat([s2, s3], -1), m1 - s1, m2 - s2, m3 - s3


@pytest.mark.parametrize(("step", "states"), [(shortcut, 2), (fast_and_slow, 2), (behind_spikes, 3)])
def test_several_neurons_read_one_current(step: Callable[..., Any], states: int) -> None:
    graph = imported(loop(step, *(10 for _ in range(states))))
    assert sum(node.op.family == "neuron" for node in graph.nodes.values()) == states
