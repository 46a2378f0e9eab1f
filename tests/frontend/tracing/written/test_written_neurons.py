"""Neurons written out in forward, in the forms of published code, import as the neurons that they are: every spike theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.neuron_rules.behaviour import STEPS, tie_currents
from ir.errors import CompileError
from ir.interpreter import interpret
from tests.frontend.tracing.written.written import THRESHOLD, Written, imported

torch.set_num_threads(1)


class Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        return v.gt(THRESHOLD).float()


class AboveZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        return torch.ge(v, 0.0).to(torch.float32)


def zero_late(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.25 * (1.0 - spike) + x
    return mem, Fire.apply(mem)


def zero_at_once(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = 0.5 * mem + x
    spike = (mem >= THRESHOLD).float()
    return mem * (1 - spike), spike


def zero_by_where(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem + (x - mem) / 2.0
    fired = mem > THRESHOLD
    return torch.where(fired, torch.zeros_like(mem), mem), fired.float()


def zero_by_mask(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.75 + x
    fired = mem.ge(THRESHOLD)
    return mem.masked_fill(fired, 0.0), fired.float()


def zero_behind_the_input(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = (mem * 0.5 + x) * (1 - spike)
    return mem, (mem > THRESHOLD).float()


def subtracted(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    spike = AboveZero.apply(mem - THRESHOLD)
    return mem - spike.detach() * THRESHOLD, spike


def subtracted_late(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x - spike * THRESHOLD
    return mem, (mem - THRESHOLD > 0).float()


def never_reset(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = torch.add(mem * 0.5, x)
    return mem, torch.heaviside(mem - THRESHOLD, torch.tensor(0.0))


def euler(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = 0.75 * mem + (1 - 0.75) * x
    spike = (mem > THRESHOLD).float()
    return (1 - spike) * mem, spike


def in_place(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem.mul(0.5)
    mem += x
    spike = (mem > THRESHOLD).type_as(x)
    mem -= THRESHOLD * spike
    return mem, spike


def reset_to_a_value(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    spike = (mem >= THRESHOLD).float()
    return mem * (1 - spike) - 0.25 * spike, spike


def reset_to_the_threshold(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem + x
    spike = (mem - THRESHOLD >= 0).float()
    return (spike * THRESHOLD + (1 - spike) * mem) * 0.25, spike


def linear_leak(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem + 0.5 * x - 0.125
    spike = (mem > THRESHOLD).float()
    return mem - THRESHOLD * spike, spike


def linear_leak_of_each(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem + x - torch.arange(x.shape[-1]) % 3 / 16
    spike = (mem > THRESHOLD).float()
    return mem * (1 - spike), spike


FORMS: dict[str, tuple[Callable[..., Any], Any, dict[str, Any]]] = {
    "zero late": (zero_late, 0.0, {"decay": 0.75, "comparator": ">", "reset": "value"}),
    "zero late, from zeros": (zero_late, torch.zeros_like, {"decay": 0.75}),
    "zero at once": (zero_at_once, 0.0, {"decay": 0.5, "comparator": ">=", "reset": "value"}),
    "zero by where": (zero_by_where, torch.zeros_like, {"decay": 0.5, "form": "euler", "gain": 1.0}),
    "zero by mask": (zero_by_mask, 0.0, {"decay": 0.25, "form": "sum"}),
    "zero behind the input": (zero_behind_the_input, 0.0, {"reset": "value", "reset_at": "next"}),
    "subtracted": (subtracted, 0.0, {"reset": "subtract", "reset_at": "spike", "threshold": 0.5, "leak": 0.0}),
    "subtracted late": (subtracted_late, 0.0, {"reset": "subtract", "reset_at": "next", "threshold": 0.5}),
    "never reset": (never_reset, 0.0, {"reset": "none", "comparator": ">", "threshold": 0.5}),
    "euler": (euler, 0.0, {"decay": 0.25}),
    "in place": (in_place, torch.zeros_like, {"reset": "subtract", "decay": 0.5}),
    "reset to a value": (reset_to_a_value, 0.0, {"reset": "value", "v_reset": -0.25, "v0": 0.0}),
    "reset to the threshold": (reset_to_the_threshold, 0.0, {"reset": "value", "v_reset": 0.0}),
    "linear leak": (linear_leak, 0.0, {"reset": "subtract", "decay": 0.0, "leak": 0.0, "v0": 0.0}),
    "linear leak of each": (linear_leak_of_each, torch.zeros_like, {"reset": "value", "decay": 0.0, "leak": 0.0}),
}


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize("steps", [1, 2, STEPS])
def test_every_form_fires_as_the_module_does(case: str, steps: int) -> None:
    step, start, expected = FORMS[case]
    net, x = Written(step, start), tie_currents(THRESHOLD)[:steps]
    graph = imported(net, x)
    (spikes,) = interpret(graph, {"x": x}).values()
    assert torch.equal(spikes, net(x))
    assert steps == 1 or 0 < spikes.mean() < 1
    (node,) = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    if steps > 1:
        assert {name: getattr(node.op, name) for name in expected} == expected


@pytest.mark.parametrize("beta", [0.9, 0.3, 1 / 3])
@pytest.mark.parametrize("form", [lambda b, m, x: b * m + (1 - b) * x, lambda b, m, x: m + (x - m) * b])
def test_what_rounds_rounds_as_the_module_does(beta: float, form: Callable[..., Tensor]) -> None:
    def step(mem: Any, spike: Any, x: Tensor) -> Any:
        mem = form(beta, mem, x)
        spike = (mem > THRESHOLD).float()
        return mem * (1 - spike), spike

    net, x = Written(step, torch.zeros_like), tie_currents(THRESHOLD)
    (spikes,) = interpret(imported(net, x), {"x": x}).values()
    assert torch.equal(spikes, net(x))


class Quantised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, most: int, whole: Callable[[Tensor], Tensor] = torch.round) -> Tensor:
        return whole(torch.clamp(x, min=0, max=most))


@pytest.mark.parametrize(("whole", "comparator"), [(torch.round, "round"), (torch.floor, ">=")])
@pytest.mark.parametrize("most", [1, 4, 8])
@pytest.mark.parametrize("steps", [1, 2, STEPS])
def test_integer_spikes_count_as_the_module_does_and_take_what_they_count(
    most: int, steps: int, whole: Callable[[Tensor], Tensor], comparator: str
) -> None:
    class Updated(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mem, spike, out = torch.zeros_like(x[0]), torch.zeros_like(x[0]), []
            for t in range(x.shape[0]):
                mem = (mem - spike.detach()) * 0.25 + x[t] if t else x[t]
                spike = Quantised.apply(mem, most, whole)
                out.append(spike)
            return torch.stack(out) / most

    x = torch.randint(-4, 24, (steps, 3, 200), generator=torch.Generator().manual_seed(0)) / 4
    graph = imported(Updated(), x)
    assert torch.equal(interpret(graph, {"x": x})["output"], Updated()(x))
    (node,) = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert (node.op.comparator, node.op.max_spikes) == (comparator, most)
    assert node.op.reset == "subtract" or steps == 1


class Residual(nn.Module):
    """Integer spikes of a value that is added to what they become, as in pre-activation networks."""

    def forward(self, x: Tensor) -> Tensor:
        x = x + 0.5
        return Quantised.apply(Quantised.apply(x, 4) * 0.75 - x, 4)


@pytest.mark.parametrize("steps", [1, 3])
def test_what_fires_at_once_is_a_value_for_others(steps: int) -> None:
    x = (torch.randn(steps, 3, 5) * 4).round() / 2
    net = Residual()
    (spikes,) = interpret(imported(net, x), {"x": x}).values()
    torch.testing.assert_close(spikes, net(x), rtol=0, atol=0)


def test_a_membrane_that_is_made_of_another_is_refused_as_such() -> None:
    class ReadOut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mem, out = torch.zeros_like(x[0]), 0.0
            for step in x:
                mem = mem * 0.5 + step
                mem = mem * (1 - (mem > THRESHOLD).float())
                out = out + torch.tanh(mem)
            return out

    with pytest.raises(CompileError, match="the membrane of a neuron that is written out is used as a value"):
        imported(ReadOut(), tie_currents(THRESHOLD))


def test_a_membrane_is_not_rounded_unless_it_is_clamped() -> None:
    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mem, out = torch.zeros_like(x[0]), list[Tensor]()
            for step in x:
                mem = 0.5 * mem + step
                out.append(mem.round())
                mem = mem * (1 - (mem > THRESHOLD).float())
            return torch.stack(out)

    with pytest.raises(CompileError, match="was not clamped"):
        imported(Rounded(), tie_currents(THRESHOLD))


class Inlined(nn.Module):
    """Two layers and their neurons in one loop, states as attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 4)
        for layer in (self.fc1, self.fc2):
            layer.weight.data = torch.randint(-4, 9, layer.weight.shape) / 8
            layer.bias.data.fill_(0.125)

    def forward(self, x: Tensor) -> Tensor:
        self.mem1 = torch.zeros(x.shape[1], 8)
        mem2, spike2, out = 0.0, 0.0, []
        for step in x:
            self.mem1 = self.mem1 * 0.5 + self.fc1(step)
            spike1 = (self.mem1 > 1.0).float()
            self.mem1 = self.mem1 - spike1
            mem2 = mem2 * 0.25 * (1 - spike2) + self.fc2(spike1)
            spike2 = Fire.apply(mem2)
            out.append(spike2)
        return torch.stack(out)


def test_neurons_of_one_loop_are_told_apart() -> None:
    torch.manual_seed(0)
    net, x = Inlined(), (torch.rand(7, 3, 6) < 0.5).float()
    graph = imported(net, x)
    first, second = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert (first.op.decay, first.op.reset, second.op.decay) == (0.5, "subtract", 0.75)
    assert [node.provenance.module for node in (first, second)] == ["fires[0::2]", "fires[1::2]"]


def test_two_neurons_of_one_current_are_two() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            a = b = torch.zeros_like(x[0])
            out: list[Tensor] = []
            for step in x:
                a, b = 0.5 * a + step, 0.25 * b + step
                fired_a, fired_b = (a > 1.0).float(), (b > 1.0).float()
                a, b = a * (1 - fired_a), b * (1 - fired_b)
                out.append(fired_a + fired_b)
            return torch.stack(out)

    x = tie_currents(1.0)
    graph = imported(Two(), x)
    assert sorted(node.op.decay for node in graph.nodes.values() if node.op.family == "neuron") == [0.5, 0.75]


def test_a_comparison_without_memory_is_a_neuron_without() -> None:
    class Binary(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x >= 0.25).float()

    x = tie_currents(1.0)
    (node,) = [node for node in imported(Binary(), x).nodes.values() if node.op.family == "neuron"]
    assert (node.op.decay, node.op.comparator) == (1.0, ">=")


def _unknown(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    return mem, (mem**2 > THRESHOLD).float()


def _squared(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = 0.5 * mem * mem + x
    spike = (mem > THRESHOLD).float()
    return mem * (1 - spike), spike


def _half_reset(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 * (1 - 0.5 * spike) + x
    return mem, Fire.apply(mem)


def _growing(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 1.5 + x
    return mem, Fire.apply(mem)


def _to_infinity(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    spike = (mem > THRESHOLD).float()
    return torch.where(spike > 0, -torch.inf, mem), spike


REFUSED = {
    "a reset to infinity": (_to_infinity, "import.neuron", "computes with -inf"),
    "a state through a function": (_unknown, "import.neuron", "at one step and not at others"),
    "no affine membrane": (_squared, "import.neuron", "not affine"),
    "a reset by half": (_half_reset, "import.neuron", "keeps 0.25 of its membrane after a spike, 0.5 without"),
    "a membrane that grows": (_growing, "import.neuron", "keeps 1.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_neuron_of_the_family_is_refused_with_what_was_found(case: str) -> None:
    step, rule, what = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        imported(Written(step), tie_currents(THRESHOLD))
    assert caught.value.rule == rule
    assert what in caught.value.what


@pytest.mark.parametrize("use", [lambda x: x, lambda x: x * 2, lambda x: x.sum(-1)])
def test_a_clamp_that_is_not_rounded_is_a_value_and_that_of_a_membrane_is_refused(
    use: Callable[[Tensor], Tensor],
) -> None:
    class Clamped(nn.Module):
        def __init__(self, decay: float) -> None:
            super().__init__()
            self.decay = decay

        def forward(self, x: Tensor) -> Tensor:
            if not self.decay:
                return use(x.clamp(0, 6))
            mem, out = torch.zeros_like(x[0]), list[Tensor]()
            for step in x:
                mem = self.decay * mem + step
                out.append(use(mem.clamp(0, 6)))
                mem = mem * (1 - (mem > THRESHOLD).float())
            return torch.stack(out)

    x = 8 * tie_currents(THRESHOLD) - 2
    graph = imported(Clamped(0), x)
    (value,) = interpret(graph, {graph.inputs[0].name: x.numpy()}).values()
    assert torch.equal(torch.as_tensor(value), use(x.clamp(0, 6)))
    with pytest.raises(CompileError, match=r"as a value \(sum\)|a membrane is clamped, and used without"):
        imported(Clamped(0.5), tie_currents(THRESHOLD))


class BatchFirst(nn.Module):
    """TET's neuron: (B, T, ...), a difference from the threshold, zeroed at once."""

    def forward(self, x: Tensor) -> Tensor:
        mem, spikes, x = 0, [], x.transpose(0, 1)
        for t in range(x.shape[1]):
            mem = mem * 0.5 + x[:, t, ...]
            spike = AboveZero.apply(mem - 1.0)
            mem = (1 - spike) * mem
            spikes.append(spike)
        return torch.stack(spikes, dim=1).transpose(0, 1)


class Branching(nn.Module):
    """MS-ResNet's update, which branches at the first step, behind a convolution and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = x.shape[:2]
        x = self.norm(self.conv(x.flatten(0, 1))).reshape(steps, batch, 4, 5, 5)
        mem_old, spike, out = 0, torch.zeros_like(x[0]), []
        for i in range(steps):
            mem = mem_old * 0.25 * (1 - spike.detach()) + x[i] if i >= 1 else x[i]
            spike = Fire.apply(mem)
            mem_old = mem.clone()
            out.append(spike)
        return torch.stack(out)


@pytest.mark.parametrize(("make", "shape"), [(BatchFirst, (6, 3, 50)), (Branching, (6, 3, 2, 5, 5))])
def test_neurons_of_published_code(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = make()
    x = torch.randint(-4, 12, shape, generator=torch.Generator().manual_seed(0)) / 4
    graph = imported(net, x)
    with torch.no_grad():
        theirs = net(x)
    assert torch.equal(interpret(graph, {"x": x})["output"], theirs)
    assert 0.05 < theirs.mean() < 0.95
