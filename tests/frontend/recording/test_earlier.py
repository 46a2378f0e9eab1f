"""Earlier values are made of what populations and inputs were then."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontend.recording.earlier import depends, earlier, of_silence
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.ops import AtStep, Delay, Lif, Linear, Past, Scale, TimeWeight
from ir.ops.host.time import UnfoldTime
from ir.types import SPIKE, Type


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder("net", 4, 3, {})
    recorder.input("x", Type((3,), SPIKE, 1.0))
    return recorder


def weights(recorder: Recorder, value: str) -> str:
    params = {"weight": recorder.constant(torch.ones(2, 3), "weight"), "bias": recorder.constant(torch.ones(2), "bias")}
    return recorder.emit(Linear(), value, params=params, name="w")


def test_an_earlier_sum_is_the_sum_of_earlier_inputs(recorder: Recorder) -> None:
    late = earlier(recorder, weights(recorder, "x"), 2)
    x = (torch.rand(4, 2, 3) < 0.5).float()
    (y,) = interpret(recorder.build({"y": late}), {"x": x}).values()
    assert torch.equal(y[2:], x[:2].sum(-1, keepdim=True).expand(2, 2, 2) + 1)
    assert torch.equal(y[:2], torch.ones(2, 2, 2))


def test_loops_close_at_populations(recorder: Recorder) -> None:
    spikes = recorder.emit(Lif(decay=0.5), weights(recorder, "x"), name="spikes")
    late = earlier(recorder, recorder.emit(Scale(2.0), spikes), 1)
    (past,) = recorder.node(late).inputs
    assert recorder.node(past).op == Past("spikes", str(recorder.node(spikes).type), 1)
    (past,) = recorder.node(earlier(recorder, late, 2)).inputs
    assert recorder.node(past).op == Past("spikes", str(recorder.node(spikes).type), 3)
    assert depends(recorder, late, spikes)
    assert not depends(recorder, spikes, late)


def test_single_steps_are_no_earlier_values(recorder: Recorder) -> None:
    with pytest.raises(CompileError, match="made of several steps"):
        of_silence(recorder, recorder.emit(Scale(2.0), recorder.emit(AtStep(1), "x")))


def test_what_silence_makes_of_weights(recorder: Recorder) -> None:
    np.testing.assert_array_equal(of_silence(recorder, weights(recorder, "x")), np.ones(2))


def test_steps_that_are_made_of_no_time_are_delayed(recorder: Recorder) -> None:
    """Operands without time are what they were: it is their steps that come late."""
    image = recorder.input("image", Type((3, 4), SPIKE, 1.0, static=True)).value
    late = earlier(recorder, recorder.emit(UnfoldTime(1), image), 1)
    assert recorder.node(late).op == Delay(1)
    factors = {"weight": recorder.constant(torch.arange(4.0), "weight")}
    late = earlier(recorder, recorder.emit(TimeWeight(), "x", params=factors), 2)
    assert recorder.node(late).op == Delay(2)


def test_dependence_in_one_step_ends_at_back_edges(recorder: Recorder) -> None:
    spikes = recorder.emit(Lif(decay=0.5), "x", name="spikes")
    late = earlier(recorder, spikes, 1)
    assert depends(recorder, late, spikes)
    assert not depends(recorder, late, spikes, at_once=True)
    assert depends(recorder, recorder.emit(Scale(2.0), spikes), spikes, at_once=True)
