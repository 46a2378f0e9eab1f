"""Conditions of spikes in resets and read-outs, in every way to write them: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn, zeros_like

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret

Reset = Callable[[Tensor, Tensor], Tensor]


def assigned(condition: Callable[[Tensor], Tensor], value: Any) -> Reset:
    def reset(mem: Tensor, spike: Tensor) -> Tensor:
        mem = mem.clone()
        mem[condition(spike)] = value
        return mem

    return reset


RESETS: dict[str, Reset] = {
    "bool": lambda m, s: torch.where(s.bool(), zeros_like(m), m),
    "to(bool)": lambda m, s: torch.where(s.to(torch.bool), zeros_like(m), m),
    "byte": lambda m, s: torch.where(s.byte() == 1, zeros_like(m), m),
    "~bool": lambda m, s: torch.where(~s.bool(), m, zeros_like(m)),
    "logical_not": lambda m, s: m * torch.logical_not(s),
    "> 0": lambda m, s: torch.where(s > 0, zeros_like(m), m),
    "0.5 <": lambda m, s: torch.where(torch.lt(torch.tensor(0.5), s), zeros_like(m), m),
    "== 1": lambda m, s: torch.where(s == 1, zeros_like(m), m),
    "== 0": lambda m, s: m * (s == 0),
    "!= 0": lambda m, s: m * (1 - (s != 0).float()),
    "< 0.5": lambda m, s: m * (s < 0.5).float(),
    "<= 0": lambda m, s: m * (s <= 0),
    "twice": lambda m, s: torch.where(s * 2.0 > 1.0, zeros_like(m), m),
    "a complement": lambda m, s: m * ((1 - s.long()) > 0),
    "!= ones": lambda m, s: m * (s != torch.ones_like(s)),
    "> 1, which is never": lambda m, s: torch.where(s > 1, zeros_like(m), m),
    "< 2, which is always": lambda m, s: m * (s < 2),
    "masked_fill": lambda m, s: m.masked_fill(s.bool(), 0),
    "masked_fill_": lambda m, s: m.clone().masked_fill_(s > 0.5, 0.0),
    "mem[bool] = 0": assigned(lambda s: s.bool(), 0),
    "mem[== 1] = a tensor": assigned(lambda s: s == 1, torch.tensor(0.0)),
    "mem[> 0] = v": assigned(lambda s: s > 0, -0.125),
    "long": lambda m, s: m * (1 - s.long()),
    "int": lambda m, s: m - 0.25 * s.int(),
    "double": lambda m, s: m * (1 - s.double()).float(),
    "lerp": lambda m, s: torch.lerp(m, zeros_like(m), s.float()),
    "lerp, named": lambda m, s: m.lerp(zeros_like(m), weight=s.float()),
    "addcmul": lambda m, s: torch.addcmul(m, m, s, value=-1),
    "sign": lambda m, s: m * (1 - torch.sign(s.float())),
    "heaviside": lambda m, s: m * (1 - torch.heaviside(s.float(), torch.tensor(0.0))),
    "where of numbers": lambda m, s: m * torch.where(s > 0, 0.0, 1.0),
    "a threshold by where": lambda m, s: torch.where(s.bool(), m - 0.25, m),
}


class Net(nn.Module):
    """Weights, and a forward that is given."""

    def __init__(self, run: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.run, self.fc, self.fc2 = run, nn.Linear(10, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


Order = Callable[[Net, Reset, Tensor], Tensor]


def next_step(net: Net, reset: Reset, x: Tensor) -> Tensor:
    """The reset acts at the next step; spikes start as zeros."""
    mem = spike = torch.zeros(x.shape[1], 8)
    out: list[Tensor] = []
    for step in x:
        mem = reset(mem, spike) * 0.75 + net.fc(step)
        spike = (mem > 0.25).float()
        out.append(spike)
    return torch.stack(out)


def at_once(net: Net, reset: Reset, x: Tensor) -> Tensor:
    mem, out = torch.zeros(x.shape[1], 8), list[Tensor]()
    for step in x:
        mem = mem * 0.75 + net.fc(step)
        spike = (mem > 0.25).float()
        mem = reset(mem, spike)
        out.append(spike)
    return torch.stack(out)


def of_truth_values(net: Net, reset: Reset, x: Tensor) -> Tensor:
    mem, out = torch.zeros(x.shape[1], 8), list[Tensor]()
    for step in x:
        mem = mem * 0.75 + net.fc(step)
        spike = mem > 0.25
        mem = reset(mem, spike)
        out.append(spike)
    return torch.stack(out).float()


def one_behind(net: Net, reset: Reset, x: Tensor) -> Tensor:
    """The membrane of the step before is compared, which starts as zeros, too."""
    mem, out = torch.zeros(x.shape[1], 8), list[Tensor]()
    for step in x:
        spike = (mem > 0.25).float()
        mem = reset(mem, spike) * 0.75 + net.fc(step)
        out.append(spike)
    return torch.stack(out)


def two_layers(net: Net, reset: Reset, x: Tensor) -> Tensor:
    """The second reads its own spikes, and those of the first beside weights."""
    m1 = s1 = m2 = s2 = torch.zeros(x.shape[1], 8)
    out: list[Tensor] = []
    for step in x:
        m1 = reset(m1, s1) * 0.75 + net.fc(step)
        s1 = (m1 > 0.25).float()
        m2 = reset(m2, s2) * 0.5 + net.fc2(s1)
        s2 = (m2 > 0.25).float()
        out.append(s2)
    return torch.stack(out)


def imported(run: Callable[[Any, Tensor], Tensor], steps: int = 6) -> tuple[Graph, Tensor, Tensor]:
    """The graph, what it computes, and what torch does."""
    net, x = Net(run).eval(), (torch.rand(steps, 3, 10, generator=torch.Generator().manual_seed(1)) < 0.5).float() * 2
    graph = trace_module(net, {"x": x}, [], steps, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    (ours,) = interpret(graph, {"x": x}).values()
    with torch.no_grad():
        return graph, ours, net(x)


SOME = ("~bool", "> 0", "== 0", "masked_fill_", "mem[> 0] = v", "lerp")
CASES = [(reset, order) for order in (next_step, at_once) for reset in RESETS]
CASES += [(reset, order) for order in (one_behind, two_layers) for reset in SOME]


@pytest.mark.parametrize(("reset", "order"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_resets_by_conditions(reset: str, order: Order) -> None:
    graph, ours, theirs = imported(lambda net, x: order(net, RESETS[reset], x))
    assert torch.equal(ours, theirs)
    assert 0.05 < theirs.mean() < 0.95
    neurons = [node.op for node in graph.nodes.values() if node.op.family == "neuron"]
    assert [op.kind for op in neurons] == ["lif"] * (2 if order is two_layers else 1)


@pytest.mark.parametrize(
    "reset", ["bool", "~bool", "logical_not", "> 0", "== 1", "< 0.5", "mem[bool] = 0", "long", "addcmul"]
)
def test_resets_by_truth_values(reset: str) -> None:
    _, ours, theirs = imported(lambda net, x: of_truth_values(net, RESETS[reset], x))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("order", [next_step, at_once, two_layers])
def test_short_windows(order: Order, steps: int) -> None:
    _, ours, theirs = imported(lambda net, x: order(net, RESETS["> 0"], x), steps)
    assert torch.equal(ours, theirs)


def test_spikes_of_two_are_no_condition_of_one() -> None:
    def run(net: Net, x: Tensor) -> Tensor:
        a, b = (net.fc(x) > 0.25).float(), (net.fc2(net.fc(x)) > 0.0).float()
        return (a + b > 1).float()

    graph, ours, theirs = imported(run)
    assert torch.equal(ours, theirs)
    assert sum(node.op.family == "neuron" for node in graph.nodes.values()) == 3


def test_residual_spikes_beside_weights() -> None:
    def run(net: Net, x: Tensor) -> Tensor:
        m1 = s1 = m2 = s2 = torch.zeros(x.shape[1], 8)
        out: list[Tensor] = []
        for step in x:
            m1 = m1 * 0.75 * (1 - s1) + net.fc(step)
            s1 = (m1 > 0.25).float()
            m2 = m2 * 0.5 * (s2 == 0) + net.fc2(s1) + s1
            s2 = (m2 > 0.25).float()
            out.append(s2)
        return torch.stack(out)

    _, ours, theirs = imported(run)
    assert torch.equal(ours, theirs)


READOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "truth values": lambda s: s.bool(),
    "a sum of them": lambda s: s.bool().sum(0),
    "a sum of integers": lambda s: s.int().sum(0),
    "a mean of integers": lambda s: s.long().float().mean(0),
    "count_nonzero": lambda s: torch.count_nonzero(s, dim=0),
    "any": lambda s: s.bool().any(0),
    "how often it is silent": lambda s: (s == 0).sum(0),
    "numbers by where": lambda s: torch.where(s > 0, 0.5, -0.25),
    "counts as integers": lambda s: s.sum(0).to(torch.int32),
    "the class": lambda s: s.int().sum(0).argmax(-1),
}


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("order", [at_once, of_truth_values], ids=lambda order: order.__name__)
def test_readouts(readout: str, order: Order) -> None:
    _, ours, theirs = imported(lambda net, x: READOUTS[readout](order(net, RESETS["bool"], x)), 4)
    assert torch.equal(ours.reshape(theirs.shape), theirs.float())


class Layer(nn.Module):
    """A framework's neuron, whose spikes choose."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.lif = nn.Linear(10, 8), neuron.LIFNode(tau=2.0, v_threshold=0.25, step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        return torch.where(self.lif(y).bool(), y, y * 0.5)


def test_spikes_of_frameworks_are_cast_and_choose() -> None:
    net, x = Layer().eval(), torch.rand(5, 3, 10, generator=torch.Generator().manual_seed(1))
    graph = trace_module(net, {"x": x}, [], 5, "net")
    check_import(net, graph, {"x": x})
    assert [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"] == ["lif"]


@pytest.mark.parametrize("condition", [lambda s: ~s.long(), lambda s: torch.isclose(s * 0.3, s)])
def test_functions_with_other_values_are_no_conditions(condition: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(CompileError) as caught:
        imported(lambda net, x: at_once(net, lambda m, s: m * condition(s), x))
    assert caught.value.rule == "import.function"


def _clamped_by_where(x: Tensor) -> Tensor:
    """Brevitas' integer quantiser of activations, 8 bits."""
    y = torch.round(x / torch.tensor(1 / 255) + torch.tensor(0.0))
    y = torch.where(y > torch.tensor(255.0), torch.tensor(255.0), y)
    return torch.where(y < torch.tensor(0.0), torch.tensor(0.0), y) * torch.tensor(1 / 255)


SCALED: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.ao": lambda s: torch.fake_quantize_per_tensor_affine(s, 0.4, 0, 0, 7),
    "rounded": lambda s: torch.round(torch.clamp(s, 0, 1) * 3) / 4,
    "Brevitas": _clamped_by_where,
    "chosen": lambda s: torch.where(s > 0.5, 0.75, -0.25),
    "chosen by where a comparison is never true": lambda s: torch.where(s > 1.5, s * 7, s * 0.5 + 0.25),
    "a square of a difference": lambda s: torch.square(s - 0.25),
}


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("way", SCALED)
def test_functions_of_spikes_alone_are_a_factor_and_a_number(way: str, steps: int) -> None:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 5)
            self.n, self.m = (neuron.IFNode(v_threshold=0.25, step_mode="m") for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            return self.m(self.b(SCALED[way](self.n(self.a(x)))))

    torch.manual_seed(0)
    net, inputs = Quantised().eval(), {"x": torch.rand(steps, 16, 6)}
    graph = trace_module(net, inputs, [], steps, "net")
    check = check_import(net, graph, inputs)
    assert check.compared == steps * 16 * 13 or steps == 1
    assert check.within_rounding == 0
    kinds = [node.op.kind for node in graph.nodes.values()]
    assert steps == 1 or (kinds.count("lif") == 2 and "function" not in kinds)
