"""Captured computations: from the second run of a shape on, results of that run's inputs, in memory that is written again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from backends.reference.cuda.graph import MOST_GRAPHS, Replayed, Tensors


class Recorder:
    """A computation of y = 2 x, and a capture of it; both note that they were asked."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def compute(self, inputs: Tensors) -> Tensors:
        self.log.append("compute")
        return {"y": inputs["x"] * 2}

    def capture(self, work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        self.log.append("capture")
        results = work()

        def replay() -> None:
            self.log.append("replay")
            results["y"].copy_(work()["y"])

        return replay, results


def run(replayed: Replayed, *numbers: float) -> list[float]:
    return replayed({"x": torch.tensor(numbers)})["y"].tolist()


def test_a_shape_is_captured_when_it_comes_back():
    recorder = Recorder()
    replayed = Replayed(recorder.compute, recorder.capture)
    assert run(replayed, 1, 2) == [2, 4]
    assert recorder.log == ["compute"]
    assert run(replayed, 3, 4) == [6, 8]
    assert recorder.log[1:] == ["capture", "compute", "replay", "compute"]
    assert run(replayed, 5, 6) == [10, 12]
    assert recorder.log[5:] == ["replay", "compute"]
    assert run(replayed, 7) == [14], "another shape"
    assert recorder.log[7:] == ["compute"]


def test_inputs_are_copied_and_results_overwritten():
    recorder = Recorder()
    replayed, x = Replayed(recorder.compute, recorder.capture), torch.tensor([1.0])
    for _ in range(2):
        first = replayed({"x": x})["y"]
    x[:] = 9
    assert first.tolist() == [2], "the recorded inputs are not the caller's"
    second = replayed({"x": x})["y"]
    assert second.data_ptr() == first.data_ptr()
    assert second.tolist() == [18]


def test_no_more_shapes_are_captured_than_memory_is_kept_for():
    recorder = Recorder()
    replayed = Replayed(recorder.compute, recorder.capture)
    for length in range(1, MOST_GRAPHS + 3):
        for _ in range(3):
            assert run(replayed, *[1.0] * length) == [2.0] * length
    assert recorder.log.count("capture") == MOST_GRAPHS


@pytest.mark.parametrize("captures", [True, False])
def test_where_capturing_fails_or_is_not_wanted_all_runs_are_ordinary(captures: bool):
    recorder, tries = Recorder(), list[str]()

    def fail(work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        tries.append("capture")
        raise RuntimeError("operation not permitted when stream is capturing")

    replayed = Replayed(recorder.compute, fail if captures else None)
    for number in (1.0, 2.0, 3.0, 4.0):
        assert run(replayed, number) == [2 * number]
    assert recorder.log == ["compute"] * 4
    assert tries == ["capture"] * captures
