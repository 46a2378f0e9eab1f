"""Neurons that read other values at other steps: one network on the chip, for floats, integers and Lava."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from frontend.recording.layout import BATCH, FEATURE, Axis, View
from frontend.recording.recorder import Recorder
from frontend.tracing.currents_by_step import CurrentsByStep, StepNeuron
from ir.errors import CompileError

snntorch = pytest.importorskip("snntorch")
STEPS, WIDTH = 4, 3
Tensor = torch.Tensor


def _exact(module: nn.Module) -> nn.Module:
    """Weights of quarters and norms of powers of two, so that sums have no rounding, and tie with thresholds."""
    torch.manual_seed(0)
    for child in module.modules():
        if isinstance(child, nn.Linear):
            child.weight.data = torch.randint(-2, 7, child.weight.shape) / 4
        elif isinstance(child, nn.BatchNorm1d):
            size = child.num_features
            child.eps, child.bias = 0.0, nn.Parameter(torch.randint(-2, 3, (size,)) / 4)
            child.running_mean, child.running_var = (
                torch.randint(-2, 3, (size,)) / 4,
                4.0 ** torch.randint(-1, 2, (size,)),
            )
    return module.eval()


class Bntt(nn.Module):
    """Two layers of snnTorch's neurons, each behind a batch norm of its own for every step; membranes are read out, too."""

    def __init__(self, membranes: bool = False) -> None:
        super().__init__()
        self.membranes = membranes
        self.first, self.second = nn.Linear(5, 6, bias=False), nn.Linear(6, WIDTH, bias=False)
        self.norms = nn.ModuleList(snntorch.BatchNormTT1d(width, STEPS) for width in (6, WIDTH))
        self.neurons = nn.ModuleList(snntorch.Leaky(beta=0.5) for _ in range(2))

    def forward(self, x: Tensor) -> Any:
        """(T, B, 5) -> (T, B, 3)."""
        first, second = (each.init_leaky() for each in self.neurons)
        spikes, membranes = list[Tensor](), list[Tensor]()
        for step in range(STEPS):
            hidden, first = self.neurons[0](self.norms[0][step](self.first(x[step])), first)
            fired, second = self.neurons[1](self.norms[1][step](self.second(hidden)), second)
            spikes.append(fired)
            membranes.append(second)
        return torch.stack(membranes if self.membranes else spikes)


class Weighted(nn.Module):
    """SpikingJelly's neurons, step by step, behind another factor at every step; or behind another layer at the first one."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self.first, self.second, self.other = nn.Linear(5, 6), nn.Linear(6, WIDTH), nn.Linear(6, WIDTH)
        self.change, self.neurons = change, nn.ModuleList(neuron.LIFNode() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        return torch.stack([self.neurons[1](self._current(self.neurons[0](self.first(x[t])), t)) for t in range(STEPS)])

    def _current(self, spikes: Tensor, step: int) -> Tensor:
        if self.change == "factor":
            return self.second(spikes) * (0.5 * step + 0.5)
        return self.second(spikes) if step else self.other(spikes)


CASES: dict[str, Callable[[], nn.Module]] = {
    "norms of steps": Bntt,
    "factors": lambda: Weighted("factor"),
    "another layer first": lambda: Weighted("layer"),
}


def _case(name: str) -> tuple[nn.Module, Tensor, Any]:
    module = _exact(CASES[name]())
    x = (torch.rand(STEPS, 7, 5, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    return module, x, _forward(module, x)


def _forward(module: nn.Module, x: Tensor) -> Any:
    for child in module.modules():
        if isinstance(child, neuron.LIFNode):
            child.reset()
    with torch.no_grad():
        y = module(x).numpy()
    assert y.any()
    return y


@pytest.mark.parametrize("precision", ["float", "int"])
@pytest.mark.parametrize("name", CASES)
def test_spikes_are_the_modules_own_in_one_phase(name: str, precision: str) -> None:
    module, x, expected = _case(name)
    program = compile_model(module, "gpu", precision=precision, example=x)
    assert len(program.phases) == 1
    assert np.array_equal(program.run(x).outputs["output"], expected)


def test_membranes_behind_norms_of_steps() -> None:
    module = _exact(Bntt(membranes=True))
    x = (torch.rand(STEPS, 7, 5, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    program = compile_model(module, "gpu", precision="float", example=x)
    assert np.array_equal(program.run(x).outputs["output"], _forward(module, x))


@pytest.mark.lava
@pytest.mark.slow
def test_lava_agrees() -> None:
    module, x, expected = _case("norms of steps")
    program = compile_model(module, "loihi", example=x)
    assert program.report(x).passed
    assert np.array_equal(program.run(x).outputs["output"], expected)


def test_layers_that_change_places_are_refused() -> None:
    """Each would read the other one's spikes of the same step."""

    class Changing(Weighted):
        def forward(self, x: Tensor) -> Tensor:
            fired = list[Tensor]()
            for step, current in enumerate(self.first(x)):
                one, other = self.neurons if step else reversed(self.neurons)
                fired.append(other(one(current)))
            return torch.stack(fired)

    with pytest.raises(CompileError, match="reads what its own spikes make in the same step"):
        compile_model(_exact(Changing("factor")), "gpu", example=torch.rand(STEPS, 2, 5))


READ = View("x", ((Axis(BATCH, 3),), (Axis(FEATURE, 5, (0,)),)))


def _neuron(reads: list[View | Tensor]) -> StepNeuron:
    return StepNeuron("net.lif", "Lif", READ, (), "spikes", CurrentsByStep(Recorder("net", STEPS, 3, {}), reads))


def test_a_neuron_makes_as_many_steps_as_the_window_has() -> None:
    _neuron([READ] * 3).check_step(STEPS)
    with pytest.raises(CompileError, match="Lif runs more than 4 times in a window of 4 steps") as caught:
        _neuron([READ] * STEPS).check_step(STEPS)
    assert (caught.value.rule, caught.value.where) == ("import.steps", "net.lif")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (torch.zeros(3, 4), r"Lif reads \(3, 4\) at step 1, and \(B, 5\) before"),
        (READ.with_dims((READ.dims[0], ())), r"Lif reads \(B, 1\) at step 1, and \(B, 5\) before"),
        (READ.with_dims(((Axis(FEATURE, 3, (0,)),), READ.dims[1])), r"Lif reads \(3, 5\) at step 1"),
    ],
)
def test_another_form_at_a_later_step_is_refused(read: View | Tensor, text: str) -> None:
    with pytest.raises(CompileError, match=text):
        _neuron([READ]).take(read)


@pytest.mark.parametrize(
    ("reads", "vary"),
    [
        ([READ, READ], False),
        ([replace(READ, step=0), replace(READ, step=1)], False),
        ([replace(READ, step=0), replace(READ, step=0)], True),
        ([replace(READ, step=0), replace(READ, value="y", step=1)], True),
        ([READ, torch.zeros(3, 5)], True),
        ([torch.zeros(3, 5), READ], True),
    ],
)
def test_what_is_the_same_at_every_step(reads: list[View | Tensor], vary: bool) -> None:
    assert CurrentsByStep(Recorder("net", STEPS, 3, {}), reads).vary is vary
