"""What is made of single steps is one value over the window; its first steps are compared on random values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from frontend.recording.layout import BATCH, FEATURE, Axis, View
from frontend.recording.present import MOST_LATE, alike_at, present, reach, without_time
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Add, AtStep, Delay, Leaky, Lif, Linear, Offset, Past, Scale
from ir.types import SPIKE, Type

STEPS = 40
DIMS = ((Axis(BATCH, 3),), (Axis(FEATURE, 2, (0,)),))


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder("net", STEPS, 3, {})
    recorder.stepwise = True
    recorder.input("x", Type((2,), SPIKE, 1.0))
    recorder.emit(Lif(decay=0.5), "x", name="z")
    return recorder


def weights(recorder: Recorder, value: str, bias: float = 0.0) -> str:
    params = {"weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "bias": torch.full((2,), bias)}
    return recorder.emit(
        Linear(), value, params={role: recorder.constant(w, role) for role, w in params.items()}, name="w"
    )


def at(recorder: Recorder, value: str, step: int) -> str:
    return recorder.emit(AtStep(step), value)


def loop(recorder: Recorder, step: int) -> View:
    """What a step reads that adds the weighted spikes of the step before."""
    return View(recorder.emit(Add(), at(recorder, "x", step), at(recorder, weights(recorder, "z"), step - 1)), DIMS)


def test_all_steps_of_a_loop_are_one_value(recorder: Recorder) -> None:
    first, *others = (present(recorder, loop(recorder, step), step) for step in range(1, 5))
    assert others == [first] * 3
    x, late = recorder.node(first).inputs
    (past,) = recorder.node(late).inputs
    assert (x, recorder.node(late).op, recorder.node(past).op) == ("x", Linear(), Past("z", "spike[2]", 1))
    assert reach(recorder, first) == 1


def test_a_sum_that_goes_on_reaches_back_to_its_first_step(recorder: Recorder) -> None:
    """Its view is of the last step, the value made of others, as tracing writes what is added to a value without time."""
    earlier = recorder.emit(Scale(0.5), at(recorder, "x", 0))
    second = recorder.emit(Add(), earlier, "x")
    third = recorder.emit(Add(), recorder.emit(Scale(0.5), at(recorder, second, 1)), "x")
    value = present(recorder, View(third, DIMS, 2), 2)
    (scaled, x), late = recorder.node(value).inputs, 0
    for _ in range(2):
        (inner,) = recorder.node(scaled).inputs
        assert recorder.node(scaled).op == Scale(0.5)
        scaled, late = recorder.node(inner).inputs[0], late + 1
    assert (x, late, recorder.node(inner).op, recorder.node(inner).inputs) == ("x", 2, Delay(2), ("x",))
    assert reach(recorder, value) == 2


def test_a_step_that_is_read_later_is_late(recorder: Recorder) -> None:
    assert present(recorder, View("z", DIMS, 3), 3) == "z"
    assert recorder.node(present(recorder, View("z", DIMS, 3), 5)).op == Past("z", "spike[2]", 2)


def test_what_is_the_same_at_every_step_stays_a_value_without_time(recorder: Recorder) -> None:
    first = weights(recorder, at(recorder, "x", 0))
    read = View(recorder.emit(Add(), at(recorder, "x", 5), first), DIMS)
    fixed = without_time(recorder, first)
    assert fixed == {first, recorder.node(first).inputs[0]}
    assert recorder.node(present(recorder, read, 5, fixed)).inputs == ("x", first)
    assert recorder.node(present(recorder, read, 5)).inputs != ("x", first)


REFUSED: dict[str, tuple[Callable[[Recorder], View], int, str]] = {
    "ahead": (lambda recorder: View("z", DIMS, 3), 2, "reads step 3 of its input at its own step 2"),
    "ahead in a sum": (lambda recorder: loop(recorder, 4), 3, "reads step 4 of its input at its own step 3"),
    "far back": (
        lambda recorder: View("z", DIMS, 0),
        MOST_LATE + 1,
        "at step 17 what was at step 0: more than 16 steps back",
    ),
    "membrane": (
        lambda recorder: View(recorder.emit(Leaky(0.5), "x", name="v"), DIMS, 1),
        2,
        "reads what a membrane was at an earlier step",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_loop_of_spikes_is(recorder: Recorder, case: str) -> None:
    make, step, text = REFUSED[case]
    with pytest.raises(CompileError, match=text) as caught:
        present(recorder, make(recorder), step)
    assert caught.value.hint


def test_the_limit_itself_is_read(recorder: Recorder) -> None:
    assert recorder.node(present(recorder, View("z", DIMS, 0), MOST_LATE)).op == Past("z", "spike[2]", MOST_LATE)


def test_first_steps_are_what_silence_makes_of_a_loop(recorder: Recorder) -> None:
    late = recorder.emit(Past("z", "spike[2]", 2), name="past")
    value = recorder.emit(Add(), "x", weights(recorder, late, bias=0.5))
    same, other = (
        recorder.emit(Offset(), "x", params={"bias": recorder.constant(torch.full((2,), bias), "bias")})
        for bias in (0.5, 0.25)
    )
    assert [alike_at(recorder, same, value, step) for step in range(4)] == [True, True, False, False]
    assert not any(alike_at(recorder, other, value, step) for step in range(4))


def test_constants_are_what_weights_make_of_nothing(recorder: Recorder) -> None:
    value = weights(recorder, recorder.emit(Past("z", "spike[2]", 1), name="past"), bias=0.5)
    assert alike_at(recorder, torch.full((3, 2), 0.5), value, 0)
    assert not alike_at(recorder, torch.full((3, 2), 0.5), value, 1)
    assert not alike_at(recorder, torch.full((3, 2), 0.25), value, 0)


def test_a_delay_is_silent_before_the_window_its_input_is_not(recorder: Recorder) -> None:
    current = weights(recorder, "x", bias=0.5)
    delayed = recorder.emit(Delay(1), current)
    moved = weights(recorder, recorder.emit(Delay(1), "x"), bias=0.5)
    assert [alike_at(recorder, delayed, moved, step) for step in (0, 1)] == [False, True]
    assert alike_at(recorder, torch.zeros(3, 2), delayed, 0)
    assert np.isclose(float(recorder.array(recorder.node(moved).param("bias") or "")[0]), 0.5)
