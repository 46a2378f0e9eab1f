"""Which tensors depend on the input: those that are views, those that only `Taint` finds, and those whose memory was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from frontend.recording.layout import BATCH, Axis, View
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError
from ir.types import SPIKE, Type

Tensor = torch.Tensor
VIEW = View("x", ((Axis(BATCH, 3),),))


@torch.jit.script
def _scripted(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


REFUSED: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], object], str]] = {
    "scripted": (lambda x, y, s: x + _scripted(x), "import.hidden"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_tracing_cannot_follow_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])


@pytest.fixture
def tensors() -> TracedTensors:
    return TracedTensors(
        Writer(lambda *_: pytest.fail("nothing is assembled"), lambda _: Type((2,), SPIKE), lambda _: None)
    )


def test_a_tensor_is_a_view_a_constant_or_hidden(tensors: TracedTensors) -> None:
    x, constant = torch.ones(3), torch.ones(3)
    tensors.add(x, VIEW)
    with tensors.taint:
        hidden = x * 2
    assert tensors.view(x) is VIEW
    assert tensors.view(constant) is None
    with pytest.raises(CompileError, match="where tracing cannot follow") as caught:
        tensors.view(hidden)
    assert caught.value.rule == "import.hidden"
    assert [tensors.depends_on_input(tensor) for tensor in (x, constant, hidden)] == [True, False, True]


def test_a_state_is_no_value(tensors: TracedTensors) -> None:
    x, start = torch.ones(3), torch.zeros(3)
    tensors.add(x, VIEW)
    with tensors.taint:
        state = x * 0.5
    for tensor in (state, start):
        tensors.add_state(tensor, "mem of Leaky", "net.lif")
    assert tensors.is_state(state)
    assert not tensors.is_state(x)
    assert tensors.view(start) is None, "zeros to start from are a constant"
    with pytest.raises(CompileError, match="mem of Leaky is used as a value") as caught:
        tensors.view(state)
    assert (caught.value.rule, caught.value.where) == ("import.state", "net.lif")
    tensors.add(state, VIEW)
    assert tensors.view(state) is VIEW, "a membrane that is read out"


def test_arguments_as_rules_see_them(tensors: TracedTensors) -> None:
    x, constant = torch.ones(3), torch.ones(3)
    tensors.add(x, VIEW)
    assert [tensors.as_rules_see(leaf) for leaf in (x, constant, 7)] == [VIEW, constant, 7]
    assert tensors.holds_views(([constant], {"other": x}))
    assert not tensors.holds_views(([constant], {"other": 7}))
    assert tensors.apart(constant) is constant


def test_all_that_look_at_written_memory_see_the_write(tensors: TracedTensors) -> None:
    x, other = torch.ones(3), replace(VIEW, value="y")
    same, flat = x.view(3), x.detach()
    for tensor in (x, same):
        tensors.add(tensor, VIEW)
    assert not tensors.is_written(x)
    tensors.prepare_write(x)
    x.mul_(2)
    tensors.write(x, other)
    assert [tensors.view(tensor) for tensor in (x, same, flat)] == [other, other, other]
    assert tensors.is_written(flat)


def test_constants_in_written_memory_are_constants_apart(tensors: TracedTensors) -> None:
    memory = torch.zeros(2, 3)
    tensors.prepare_write(memory)
    tensors.write(memory[1], VIEW)
    assert (tensors.view(memory[0]), tensors.view(memory[1])) == (None, VIEW)
    copy = tensors.as_rules_see(memory[0])
    memory[0] = 7
    assert copy.tolist() == [0, 0, 0]
    assert not tensors.taint.reaches(copy)


def test_a_window_is_made_again_of_what_it_looks_at() -> None:
    made = list[tuple[Any, ...]]()
    tensors = TracedTensors(
        Writer(lambda *call: [made.append(call), VIEW][1], lambda _: Type((2,), SPIKE), lambda _: None)
    )
    memory = torch.zeros(1, 3)
    turned = memory.t()
    assert tensors.note_windows("t", (memory,), {}, turned)
    assert not tensors.note_windows("clone", (memory,), {}, memory.clone())
    tensors.prepare_write(memory)
    row = VIEW.with_dims(((), *VIEW.dims))
    tensors.write(memory, row)
    assert tensors.view(turned) is VIEW
    assert made == [("t", row)]
