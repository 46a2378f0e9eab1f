"""What is recorded of emissions: values by sample and step, activity by element or in all, within the windows only."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core import recording as recording_module
from backends.lava.core.contracted_gates import ContractedEmission
from backends.lava.core.recording import Recording, active_elements, lanes_of, recordings_of
from backends.lava.timing import Windows, timing_of
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Delay, Input, Linear, Slice, Synapse
from ir.ops.integer_neuron import IntegerLif

FIRST = 3
WINDOWS = Windows(2, samples=3, lanes=2)


def emission(step: int) -> np.ndarray:
    """(1, lanes, 2): lane and element can be told from the digits."""
    return np.array([[[10 * step + 1, 0], [10 * step + 2, 10 * step + 3]]], np.float32)


def test_values_lie_by_step_and_sample():
    values = np.full((2, 3, 2), -1)
    recording = Recording((2,), FIRST, WINDOWS, values)
    for step in range(FIRST + 6):
        recording.record(step, emission(step))
    assert values[:, :2].tolist() == [[[31, 0], [32, 33]], [[41, 0], [42, 43]]]
    assert values[:, 2].tolist() == [[51, 0], [61, 0]], "the second lane of the last group has no sample"


@pytest.mark.parametrize(("rows", "elements", "counts"), [(1, 2, [[6, 2]]), (2, 2, [[3, 1], [3, 1]]), (1, 1, [[8]])])
def test_activity_of_elements_of_steps_or_of_all(rows: int, elements: int, counts: list[list[int]]):
    recording = Recording((2,), FIRST, WINDOWS, None, np.zeros((rows, elements), np.int64))
    for step in range(FIRST + 6):
        recording.record(step, emission(step))
    assert recording.activity is not None
    assert recording.activity.tolist() == counts
    assert recording.names_elements == (elements > 1)


def test_gates_that_are_not_materialised_are_counted_in_the_lanes_that_have_samples():
    a, b = np.array([[[1, 0, 1], [1, 1, 1]]], np.float32), np.ones((1, 2, 1), np.float32)
    recording = Recording((3,), 0, WINDOWS, None, np.zeros((1, 1), np.int64))
    for step in range(4):
        recording.record(step, ContractedEmission(a, b, (3,)))
    assert recording.activity is not None
    assert recording.activity.item() == 2 * 5 + 2 * 2
    Recording((3,), 0, WINDOWS).record(0, ContractedEmission(a, b, (3,)))  # nothing is asked for


def test_what_is_asked_for_names_elements():
    assert Recording((2,), 0, WINDOWS, values=np.zeros((2, 3, 2))).names_elements
    assert not Recording((2,), 0, WINDOWS).names_elements


def test_active_elements():
    spikes = np.array([[1, 0, 2], [-1, 0, 0]])
    assert active_elements(spikes, 1) == 3
    assert active_elements(spikes, 3).tolist() == [2, 0, 1]
    assert active_elements(spikes[:1].reshape(1, 3, 1), 3).tolist() == [1, 0, 1]


def net() -> Graph:
    """a is read late, b through a cut, c as a whole."""
    b = GraphBuilder("net", 4)
    x, lif = b.add(Input("spike[3]"), name="x"), IntegerLif(4095, 0, 1, 6, 12, 24)
    a = b.add(lif, b.add(Synapse(1), x, name="x_a"), name="a")
    late = b.add(Synapse(1), b.add(Delay(1), a, name="late"), name="a_b")
    second = b.add(lif, late, name="b")
    weight = {"weight": b.param("w", np.ones((5, 2), np.int8))}
    c = b.add(lif, b.add(Linear(), b.add(Slice(0, 1, 3), second, name="cut"), name="b_c", params=weight), name="c")
    return b.build({"c": c, "again": c})


def test_memory_is_taken_for_what_counts_and_probes_need():
    graph = net()
    timing = timing_of(graph, 4, samples=6, lanes=2)
    recordings = recordings_of(graph, timing, ("b",))
    assert set(recordings) == {"a", "b", "c", "output c", "output again"}
    activity = {
        name: recording.activity.shape for name, recording in recordings.items() if recording.activity is not None
    }
    assert activity == {"a": (4, 3), "b": (1, 3), "c": (1, 1)}
    values = {name: recording.values for name, recording in recordings.items() if recording.values is not None}
    assert {name: (array.shape, array.dtype) for name, array in values.items()} == {
        "b": ((4, 6, 3), np.uint8),
        "output c": ((4, 6, 5), np.uint8),
        "output again": ((4, 6, 5), np.uint8),
    }
    assert [recordings[name].first for name in ("a", "b", "c", "output c")] == [1, 2, 3, 3]
    with pytest.raises(CompileError, match=r"lava\.probe"):
        recordings_of(graph, timing, ("nobody",))


def test_lanes_are_groups_of_equal_size_that_are_worth_their_waiting(monkeypatch: pytest.MonkeyPatch):
    graph = net()
    assert lanes_of(graph, 7, (), 3) == 3
    assert lanes_of(graph, 8, (), 5) == 4, "two groups of four rather than of five and three"
    assert lanes_of(graph, 7, (), None) == 7
    monkeypatch.setattr(recording_module, "NEURONS_AT_ONCE", 4 * (3 + 3 + 3 + 5))
    assert lanes_of(graph, 100, (), None) == 4
    monkeypatch.setattr(recording_module, "NEURONS_AT_ONCE", 1)
    assert lanes_of(graph, 100, (), None) == 1
