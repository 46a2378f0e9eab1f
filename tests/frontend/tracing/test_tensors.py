"""Which tensors depend on the input: those that are views, those that only `Taint` finds, and those that were overwritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from frontend.recording.layout import BATCH, Axis, View
from frontend.tracing.tensors import Taint, TracedTensors, tensors_in
from ir.errors import CompileError

Tensor = torch.Tensor
VIEW = View("x", ((Axis(BATCH, 3),),))


def _stale(x: Tensor) -> Tensor:
    x.flatten(2).mul_(2.0)
    return x


@torch.jit.script
def _scripted(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


REFUSED: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], object], str]] = {
    "in place on a view": (lambda x, y, s: [x.flatten(2).add_(1.0), x][1], "import.in_place"),
    "used after its view was written": (lambda x, y, s: _stale(x + 1.0), "import.in_place"),
    "scripted": (lambda x, y, s: x + _scripted(x), "import.hidden"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_tracing_cannot_follow_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])


def test_taint_follows_values_not_forms() -> None:
    with Taint() as taint:
        x, y = torch.ones(3), torch.ones(3)
        taint.mark(x)
        assert taint.reaches(x[1:] * 2)
        assert taint.reaches((x + y).view(3, 1))
        assert not taint.reaches(y * 2)
        y.copy_(x)
        assert taint.reaches(y)
        taint.clear(y)
        assert not taint.reaches(y)


def test_tensors_in_nested_arguments() -> None:
    a, b = torch.ones(1), torch.ones(2)
    assert [id(tensor) for tensor in tensors_in(((a, 3), {"x": [b, "text"], "y": None}))] == [id(a), id(b)]


@pytest.fixture
def tensors() -> TracedTensors:
    return TracedTensors()


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
    copy = tensors.copied_constant(constant)
    constant.mul_(5)
    assert copy.tolist() == [1, 1, 1]
    assert tensors.copied_constant(x) is x


def test_what_looks_at_overwritten_memory_is_not_used_again(tensors: TracedTensors) -> None:
    x = torch.ones(3)
    same = x.view(3)
    for tensor in (x, same):
        tensors.add(tensor, VIEW)
    tensors.check_writes([x], "mul_", result=x)
    tensors.add(x, VIEW)  # the result of the write
    assert tensors.view(x) is VIEW
    with pytest.raises(CompileError, match="mul_ writes into a tensor that is also used elsewhere"):
        tensors.view(same)
    with pytest.raises(CompileError, match="copy_ writes"):
        tensors.check_writes([x], "copy_", result=torch.ones(3))
