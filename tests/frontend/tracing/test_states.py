"""States of frameworks' neurons go from step to step unchanged, from the usual ones on; anything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import norse.torch as norse
import pytest
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from frontend.recording.layout import BATCH, FEATURE, Axis, View
from frontend.tracing.import_check import check_import
from frontend.tracing.states import StateHandover
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.trace import trace_module
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
        self.states.leave(self.neuron, "net.syn", results)
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


def test_a_copy_is_the_state(run: Run) -> None:
    _, syn, mem = run.step()
    late, copy = run.states.follow("detach", (syn,), syn.detach()), run.states.follow("clone", (mem,), mem.clone())
    _, syn, mem = run.step(run.states.follow("clone", (late,), late.clone()), copy)
    with pytest.raises(CompileError, match="given a syn that it did not return"):
        run.step(run.states.follow("relu", (syn,), syn.relu()), mem)


def test_a_copy_of_a_watched_neuron_does_not_copy_the_run(run: Run) -> None:
    (hook,) = deepcopy(run.neuron)._forward_pre_hooks.values()
    assert getattr(hook, "__self__", None) is run.states


class Cells(nn.Module):
    """Norse's or SpikingJelly's neuron in a loop, whose state or parameters `change(neuron, state, t)`."""

    def __init__(self, cell: nn.Module, change: Callable[[Any, Any, int], Any]) -> None:
        super().__init__()
        self.cell, self.change = cell, change

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state, spikes = None, list[torch.Tensor]()
        for t in range(len(x)):
            result = (
                self.cell(10 * x[t], state) if isinstance(self.cell, norse.LIFRecurrentCell) else self.cell(10 * x[t])
            )
            emitted, state = result if isinstance(result, tuple) else (result, None)
            state = self.change(self.cell, state, t)
            spikes.append(emitted)
        return torch.stack(spikes)


def _set(name: str, change: Callable[[Any, int], Any]) -> Callable[[Any, Any, int], None]:
    return lambda cell, state, t: setattr(cell, name, change(getattr(cell, name), t))


@pytest.mark.parametrize(
    ("cell", "change", "what"),
    [
        ("norse", lambda cell, s, t: s._replace(v=s.v.relu()), "given a v that it did not return"),
        ("norse", lambda cell, s, t: s._replace(z=s.z * 1.0), "given a z that it did not return"),
        ("norse", lambda cell, s, t: None, "is reset in the middle"),
        ("norse", lambda cell, s, t: s._replace(v=s.v.detach(), z=s.z.clone()), ""),
        ("jelly", _set("v", lambda v, t: v.relu()), "given a v that it did not return"),
        ("jelly", _set("v", lambda v, t: 0.0), "is reset in the middle"),
        ("jelly", _set("v", lambda v, t: v.detach()), ""),
        ("jelly", _set("v_threshold", lambda theta, t: 1.0 + t), "has other parameters at this step"),
    ],
)
def test_what_a_model_changes_between_steps(cell: str, change: Callable[..., Any], what: str) -> None:
    neuron = norse.LIFRecurrentCell(4, 4) if cell == "norse" else LIFNode()
    net, x = Cells(neuron, change).eval(), torch.rand(5, 2, 4)
    if not what:
        check_import(net, trace_module(net, {"x": x}, [], 5, "net"), {"x": x})
        return
    with pytest.raises(CompileError, match=what) as caught:
        trace_module(net, {"x": x}, [], 5, "net")
    assert caught.value.rule == "import.steps"
    assert caught.value.where == "cell"


def test_an_input_by_name(run: Run) -> None:
    with pytest.raises(CompileError, match="takes its input by name"):
        run.neuron(input_=run.x)


def test_nobody_looks_once_the_handles_are_gone(run: Run) -> None:
    assert len(run.handles) == 1, "the linear layer has no states"
    for handle in run.handles:
        handle.remove()
    run.step(torch.ones(3, 2))
