"""Neurons that fire by the surrogate functions of frameworks, or compute by scripted functions: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import rnn, surrogate
from spikingjelly.clock_driven import surrogate as old_surrogate
from torch import Tensor, nn

from frontend.wrappers import eagerly
from ir.errors import CompileError
from ir.interpreter import interpret
from tests.frontend.tracing.written.written import Written, imported

torch.set_num_threads(1)
JELLY = """
    PiecewiseQuadratic PiecewiseExp Sigmoid SoftSign ATan NonzeroSignLogAbs Erf PiecewiseLeakyReLU SquarewaveFourierSeries S2NN
    QPseudoSpike LeakyKReLU LogTailedReLU DeterministicPass Rect
"""


def surrogates(module: Any) -> dict[str, Callable[[], Any]]:
    """The functions that SpikingJelly's package has."""
    return {f"{module.__name__}.{name}": getattr(module, name) for name in JELLY.split() if hasattr(module, name)}


FIRES: dict[str, Callable[[], Any]] = {
    **surrogates(surrogate),
    **surrogates(old_surrogate),
    "snntorch": lambda: pytest.importorskip("snntorch.surrogate").atan(),
    "to the membrane": lambda: lambda v: (v >= 0).to(v),
    "to the membrane, at once": lambda: lambda v: (v >= 0).to(v, non_blocking=True),
    "as the membrane": lambda: lambda v: (v >= 0).type_as(v),
    "as the membrane, by name": lambda: lambda v: (v >= 0).type_as(other=v),
    "scripted": lambda: scripted_fire,
}


@torch.jit.script
def scripted_fire(v: Tensor, threshold: float = 0.0) -> Tensor:
    return (v >= threshold).to(v)


@torch.jit.script
def charged(v: Tensor, x: Tensor, tau: float) -> Tensor:
    return v + (x - v) / tau


@torch.jit.script
def stepped(v: Tensor, x: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    v = charged(v, x, 2.0)
    spike = scripted_fire(v, threshold)
    return v - threshold * spike, spike


def firing(fire: Callable[[Tensor], Tensor]) -> Callable[[Any, Any, Tensor], tuple[Tensor, Tensor]]:
    """The step of a neuron; a function that is a module is no part of the network."""

    def step(mem: Any, spike: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        mem = mem * 0.5 + x
        spike = fire(mem - 1.0)
        return mem - spike, spike

    return step


STEPS: dict[str, Callable[[Any, Any, Tensor], tuple[Tensor, Tensor]]] = {
    **{name: firing(make()) for name, make in FIRES.items()},
    "scripted charge": lambda mem, spike, x: ((v := charged(mem, x, 2.0)) * (v < 1), (v >= 1).float()),
    "scripted step": lambda mem, spike, x: stepped(mem, x, 0.5),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_spike_is_the_modules(name: str) -> None:
    net = Written(STEPS[name], torch.zeros_like)
    x = torch.randint(-4, 9, (6, 3, 8), generator=torch.Generator().manual_seed(0)) / 4
    with eagerly():
        graph = imported(net, x)
    more = torch.randint(-4, 9, (6, 5, 8), generator=torch.Generator().manual_seed(1)) / 4
    expected = net(more)
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(interpret(graph, {"x": more.numpy()})["output"], expected.numpy())


class Cell(nn.Module):
    """SpikingJelly's vanilla cell, step by step: it remembers nothing but its spikes."""

    def __init__(self, bias: bool, start: bool) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.cell, self.start = rnn.SpikingVanillaRNNCell(8, 8, bias=bias), start

    def forward(self, x: Tensor) -> Tensor:
        spikes, out = torch.zeros_like(x[0]) if self.start else None, list[Tensor]()
        for step in x:
            spikes = self.cell(step, spikes)
            out.append(spikes)
        return torch.stack(out)


class Layer(nn.Module):
    """The same in a loop of SpikingJelly's own, which keeps states in a tensor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.rnn = rnn.SpikingVanillaRNN(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0]


class Mutual(nn.Module):
    """Two populations, each of which reads what the other one fired."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.a, self.b, self.into = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        late, out = torch.zeros_like(x[0]), list[Tensor]()
        for step in x:
            early = (self.into(step) + self.a(late) >= 0.25).float()
            late = (self.b(early) + step >= 0.25).float()
            out.append(early + 2 * late)
        return torch.stack(out)


CELLS: dict[str, Callable[[], nn.Module]] = {
    "bias": lambda: Cell(bias=True, start=True),
    "no bias": lambda: Cell(bias=False, start=True),
    "no state at first": lambda: Cell(bias=True, start=False),
    "a layer": Layer,
    "two populations": Mutual,
}


@pytest.mark.parametrize("case", CELLS)
def test_recurrent_neurons_without_a_membrane(case: str) -> None:
    net = CELLS[case]().eval()
    with torch.no_grad():
        for parameter in net.parameters():  # whole quarters, whose sums are exact
            parameter.mul_(8).round_().div_(4)
    x, more = (torch.randint(-6, 7, (6, n, 8), generator=torch.Generator().manual_seed(n)) / 4 for n in (3, 5))
    with eagerly():
        graph = imported(net, x)
    expected = net(more).detach()
    assert 0 < (expected > 0).float().mean() < 1
    np.testing.assert_array_equal(interpret(graph, {"x": more.numpy()})["output"], expected.numpy())


class Gated(nn.Module):
    """What it remembers is a product of spikes."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = rnn.SpikingLSTMCell(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        h, c, out = torch.zeros_like(x[0]), torch.zeros_like(x[0]), list[Tensor]()
        for step in x:
            h, c = self.cell(step, (h, c))
            out.append(h)
        return torch.stack(out)


def test_states_that_are_no_membrane_are_refused() -> None:
    with eagerly(), pytest.raises(CompileError, match="reads a value made of several steps") as caught:
        imported(Gated(), torch.rand(4, 3, 8))
    assert caught.value.rule == "import.neuron"


def test_a_script_without_its_code_is_refused_by_name() -> None:
    fire = torch.jit.CompilationUnit("def fire(v):\n    return (v >= 0).to(v)\n").fire
    with eagerly(), pytest.raises(CompileError, match="the script fire has no Python code") as caught:
        imported(Written(firing(fire)), torch.ones(4, 3, 8))
    assert caught.value.rule == "import.function"
