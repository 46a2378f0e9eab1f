"""Delays that a model writes by hand: cut out of the window and put together again, in every spelling, for chips and for torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from compile import compile_model
from frontend.recording.layout import BATCH, TIME, Axis, View
from frontend.recording.moments import Moments, moments, noted
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step
from ir.errors import CompileError
from ir.ops import Delay
from ir.types import parse_type

Tensor = torch.Tensor


def _written(s: Tensor) -> Tensor:
    out = torch.zeros_like(s)
    out[1:] = s[:-1]
    return out


def _written_step_by_step(s: Tensor) -> Tensor:
    out = torch.zeros_like(s)
    for step in range(1, len(s)):
        out[step] = s[step - 1]
    return out


def _remembered(s: Tensor) -> Tensor:
    out, before = [], torch.zeros_like(s[0])
    for step in s:
        out.append(before)
        before = step
    return torch.stack(out)


def _rolled(s: Tensor) -> Tensor:
    out = torch.roll(s, 1, 0)
    out[0] = 0
    return out


def _zeros(s: Tensor, steps: int = 1) -> Tensor:
    return torch.zeros(steps, *s.shape[1:])


DELAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "written": _written,
    "written step by step": _written_step_by_step,
    "remembered": _remembered,
    "rolled": _rolled,
    "joined": lambda s: torch.cat([_zeros(s), s[:-1]]),
    "joined like": lambda s: torch.cat([torch.zeros_like(s[:1]), s[:-1]], dim=0),
    "padded and cut": lambda s: F.pad(s, (0, 0, 0, 0, 1, 0))[:-1],
    "cut and padded": lambda s: F.pad(s[:-1], (0, 0, 0, 0, 1, 0)),
    "added to itself": lambda s: s + torch.cat([_zeros(s), s[:-1]]),
    "differences": lambda s: torch.diff(s, dim=0, prepend=_zeros(s)),
    "less the step before": lambda s: s - torch.cat([_zeros(s), s[:-1]]),
}


class Net(nn.Module):
    def __init__(self, late: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.late = late
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 4)
        self.spike, self.out = LIFNode(step_mode="m"), LIFNode(step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.last(self.late(self.spike(self.first(x)))))


def net(late: Callable[[Tensor], Tensor]) -> Net:
    torch.manual_seed(0)
    made = Net(late).eval()
    for layer in (made.first, made.last):
        layer.weight.data = torch.randint(-2, 7, layer.weight.shape) / 4
        layer.bias.data.zero_()
    return made


def compared(late: Callable[[Tensor], Tensor], steps: int) -> Any:
    """The program in integers, whose spikes are the module's: all weights are quarters."""
    module, x = net(late), (torch.rand(steps, 3, 6, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    program = compile_model(module, "gpu", example=x)
    with torch.no_grad():
        expected = module(x).numpy()
    reset_net(module)
    assert expected.any()
    assert np.array_equal(program.run(x).outputs["output"], expected)
    return program, x, expected


@pytest.mark.parametrize("steps", [5, 2])
@pytest.mark.parametrize("name", DELAYS)
def test_every_spelling_is_a_delay(name: str, steps: int) -> None:
    program, _, _ = compared(DELAYS[name], steps)
    source = program.deployment.chip
    assert [node.op.steps for node in source.nodes.values() if isinstance(node.op, Delay)] == [1]
    assert not program.deployment.epilogue.nodes.keys() - {"out", "output"} or name


def test_later_ones_and_parts_that_are_all_of_it() -> None:
    program, _, _ = compared(lambda s: torch.cat([_zeros(s, 2), s[:3], s[3:-2]]), 6)
    assert [node.op.steps for node in program.deployment.chip.nodes.values() if isinstance(node.op, Delay)] == [2]
    program, _, _ = compared(lambda s: torch.cat([s[:2], s[2:]]), 6)
    assert not any(isinstance(node.op, Delay) for node in program.deployment.chip.nodes.values())


@pytest.mark.lava
def test_lava_delays_as_torch_does() -> None:
    program, x, expected = compared(DELAYS["written"], 5)
    assert np.array_equal(program.on("loihi").run(x).outputs["output"], expected)


AHEAD: dict[str, Callable[[Tensor], Tensor]] = {
    "ahead": lambda s: torch.cat([s[1:], torch.zeros_like(s[:1])]),
    "backwards": lambda s: torch.stack([s[k] for k in range(len(s))][::-1]),
    "around the end": lambda s: torch.roll(s, 1, 0),
    "without the first": lambda s: torch.cat([torch.zeros_like(s[:1]), s[1:]]),
}


@pytest.mark.parametrize("name", AHEAD)
def test_what_no_chip_can_know_the_host_tells_the_next_phase(name: str) -> None:
    program, _, _ = compared(AHEAD[name], 5)
    assert len(program.phases) == 2


@pytest.mark.parametrize("name", AHEAD)
def test_what_no_chip_can_know_is_refused_in_one_phase(name: str) -> None:
    module, x = net(AHEAD[name]), torch.zeros(5, 3, 6)
    with pytest.raises(
        CompileError, match=r"split\.at_step(.|\n)*is a delay, which chips have; none knows what comes later"
    ):
        compile_model(module, "gpu", example=x, phases=1)


@pytest.mark.parametrize("name", AHEAD)
def test_and_the_host_does_it_before_the_first_neurons(name: str) -> None:
    class Stem(Net):
        def forward(self, x: Tensor) -> Tensor:
            return self.spike(self.first(self.late(x)))

    torch.manual_seed(0)
    module, x = Stem(AHEAD[name]).eval(), torch.rand(5, 3, 6)
    program = compile_model(module, "gpu", precision="float", example=x)
    with torch.no_grad():
        assert np.array_equal(program.run(x).outputs["output"], module(x).numpy())


def test_what_is_noted() -> None:
    recorder = Recorder("net", 3, 2, {})
    x = recorder.input("x", parse_type("spike[4]"))
    step = at_step(recorder, View(x.value, ((), *x.dims[1:]), 1))
    held = moments(recorder, step, 0)
    assert held == Moments(x, (1,))
    assert moments(recorder, step, 2) is None
    assert moments(recorder, x, 0) is None
    assert held is not None
    pair = step.with_dims(((Axis("feature", 2, (0,)),), *step.dims[1:]))
    assert noted(recorder, pair, 0, [1, held]) is pair
    assert moments(recorder, pair, 0) == Moments(x, (None, 1))
    assert noted(recorder, pair, 0, [held, None]) is pair
    late = noted(recorder, pair, 0, [1, Moments(x, (0, 1))])
    assert [axis.kind for dim in late.dims[:2] for axis in dim] == [TIME, BATCH]
    assert recorder.step_of(late.value) is None
    assert noted(recorder, pair, 0, [Moments(x, (0, 1, 2))]) is x
