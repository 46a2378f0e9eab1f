"""States of snnTorch's neurons go from step to step unchanged, from zero on; anything else is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from frontend.recording.layout import BATCH, FEATURE, Axis, View
from frontend.tracing.states import StateHandover
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError
from ir.types import SPIKE, Type

VIEW = View("x", ((Axis(BATCH, 3),), (Axis(FEATURE, 2, (0,)),)))


class Synaptic(nn.Module):
    """A stand-in that is filed under the name of snnTorch's neuron; it remembers its states, as that does."""

    def __init__(self) -> None:
        super().__init__()
        self.syn, self.mem = torch.zeros(0), torch.zeros(0)

    def forward(self, input_: Any, syn: Any = None, mem: Any = None) -> tuple[Any, ...]:
        self.syn, self.mem = input_ + 0.0, input_ * 2.0
        return input_, self.syn, self.mem


Synaptic.__module__ = "snntorch._neurons.synaptic"


class Run:
    """A neuron that is watched within the taint of its input."""

    def __init__(self) -> None:
        self.tensors = TracedTensors(Writer(lambda *_: None, lambda _: Type((2,), SPIKE), lambda _: None))
        self.states, self.neuron, self.x = StateHandover(self.tensors), Synaptic(), torch.ones(3, 2)
        self.tensors.add(self.x, VIEW)
        self.handles = self.states.watch(nn.Sequential(self.neuron, nn.Linear(2, 2)))

    def step(self, *states: Any, **named: Any) -> tuple[Any, ...]:
        with self.tensors.taint:
            results = self.neuron(self.x, *states, **named)
        self.states.leave(self.neuron, "net.syn")
        return results


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.mark.parametrize("zeros", [(), (None, None), (torch.zeros(1), torch.zeros(3, 2)), (torch.zeros(3, 2),)])
def test_the_first_step_starts_from_zero(run: Run, zeros: tuple[Any, ...]) -> None:
    run.step(*zeros)


def test_states_go_on_by_place_by_name_or_within_the_neuron(run: Run) -> None:
    _, syn, mem = run.step()
    _, syn, mem = run.step(syn, mem)
    _, syn, mem = run.step(mem=mem, syn=syn)
    _, syn, mem = run.step()
    run.step(None, mem)


def test_states_are_no_values(run: Run) -> None:
    _, syn, mem = run.step()
    assert run.tensors.is_state(syn)
    assert run.tensors.is_state(mem)
    with pytest.raises(CompileError, match="mem of Synaptic is used as a value") as caught:
        run.tensors.view(mem)
    assert caught.value.where == "net.syn"


def test_a_start_that_is_not_zero(run: Run) -> None:
    with pytest.raises(CompileError, match=r"Synaptic starts from a state that is given to it \(mem\)") as caught:
        run.step(torch.zeros(3, 2), torch.full((3, 2), 0.5))
    assert caught.value.rule == "import.state"
    with run.tensors.taint:
        computed = run.x * 0
    with pytest.raises(CompileError, match=r"given to it \(syn\)"):
        run.step(computed)


def test_a_state_of_an_earlier_step_or_another_place(run: Run) -> None:
    _, syn, mem = run.step()
    _, late_syn, late_mem = run.step(syn, mem)
    for states, name in (
        ((syn, late_mem), "syn"),
        ((late_syn, late_syn), "mem"),
        ((late_syn, late_mem.clone()), "mem"),
    ):
        with pytest.raises(CompileError, match=f"is given a {name} that it did not return") as caught:
            run.step(*states)
        assert caught.value.rule == "import.steps"


def test_zeros_after_the_first_step(run: Run) -> None:
    _, syn, _ = run.step()
    with pytest.raises(CompileError, match="is reset in the middle of the window"):
        run.step(syn, torch.zeros(3, 2))


def test_an_input_by_name(run: Run) -> None:
    with pytest.raises(CompileError, match="takes its input by name"):
        run.neuron(input_=run.x)


def test_nobody_looks_once_the_handles_are_gone(run: Run) -> None:
    assert len(run.handles) == 1, "the linear layer has no states"
    for handle in run.handles:
        handle.remove()
    run.step(torch.ones(3, 2))
