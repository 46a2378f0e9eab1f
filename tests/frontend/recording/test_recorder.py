"""Nodes as tracing writes them: their names, their order in memory, and which of them are written once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
import torch

from frontend.recording.layout import BATCH, FEATURE, TIME, Axis, View
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Function, Lif, Past, Permute, Scale
from ir.types import REAL, SPIKE, Type

STEPS, SAMPLES = 4, 3


@pytest.fixture
def recorder() -> Recorder:
    return Recorder("net", STEPS, SAMPLES, {})


def features(view: View, order: Sequence[int]) -> View:
    """The view with its feature dimensions in another order."""
    outer = len(view.dims) - len(order)
    return view.with_dims((*view.dims[:outer], *(view.dims[outer + place] for place in order)))


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values() if node.op.kind != "input"]


def test_inputs_have_batch_and_unless_static_time(recorder: Recorder) -> None:
    timed, static = recorder.input("x", Type((2, 1), SPIKE)), recorder.input("odd name", Type((5,), REAL, 1.0, True))
    assert timed.dims == ((Axis(TIME, 4),), (Axis(BATCH, 3),), (Axis(FEATURE, 2, (0,)),), ())
    assert static.dims == ((Axis(BATCH, 3),), (Axis(FEATURE, 5, (0,)),))
    assert (recorder.is_timed(timed), recorder.is_timed(static)) == (True, False)
    assert (timed.value, static.value) == ("x", "odd_name")
    assert recorder.type(timed) == Type((2, 1), SPIKE)


def test_nodes_are_named_after_module_and_function(recorder: Recorder) -> None:
    x = recorder.input("x", Type((2,), REAL))
    recorder.path, recorder.function = "block.0", "mul"
    names = [recorder.emit(Scale(2.0), x.value) for _ in range(2)]
    recorder.function = ""
    names += [recorder.emit(Scale(2.0), x.value), recorder.emit(Scale(2.0), x.value, name="own")]
    assert names == ["block.0.mul", "block.0.mul_2", "block.0.scale", "own"]
    assert {recorder.build({name: name}).nodes[name].provenance.module for name in names} == {"block.0"}


def test_step_by_step_an_operation_is_written_once(recorder: Recorder) -> None:
    x = recorder.input("x", Type((2,), REAL))
    recorder.stepwise = True
    first = recorder.emit(Scale(2.0), x.value)
    assert recorder.emit(Scale(2.0), x.value) == first
    assert recorder.emit(Scale(3.0), x.value) != first
    recorder.path = "other"
    assert recorder.emit(Scale(2.0), x.value) != first


def test_what_does_not_change_in_time_is_computed_once_but_for_neurons(recorder: Recorder) -> None:
    static, timed = recorder.input("s", Type((5,), REAL, 1.0, True)), recorder.input("t", Type((5,), REAL))
    for op, view, times in ((Scale(2.0), static, 1), (Scale(2.0), timed, 2), (Lif(0.5), static, 2)):
        assert len({recorder.emit(op, view.value) for _ in range(2)}) == times


def test_past_spikes_are_those_of_the_neuron_that_comes_next(recorder: Recorder) -> None:
    recorder.input("lif", Type((2,), REAL))
    value = recorder.past("lif", (2,))
    node = recorder._builder.node(value)
    assert node.op == Past("lif_2", "spike[2]", 1)
    assert value == "lif.past"


def test_elementwise_results_are_seen_as_their_operand_and_fresh_ones_in_order(recorder: Recorder) -> None:
    turned = features(recorder.input("x", Type((2, 5), REAL)), (1, 0))
    assert recorder.apply(Function("exp"), turned).dims == turned.dims
    assert [axis.place for axis in recorder.result("x", turned.dims).features] == [(0,), (1,)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_value_in_the_tensor_s_own_order(recorder: Recorder, order: tuple[int, ...]) -> None:
    shape = (2, 3, 5)
    view = features(recorder.input("x", Type(shape, REAL)), order)
    graph = recorder.build({"y": recorder.in_order(view).value})
    x = np.random.default_rng(0).normal(size=(STEPS, 1, *shape)).astype(np.float32)
    np.testing.assert_array_equal(interpret(graph, {"x": x})["y"], x.transpose(0, 1, *(2 + place for place in order)))
    assert kinds(graph).count("permute") == (order != (0, 1, 2))


def test_neighbours_stay_together_on_the_way(recorder: Recorder) -> None:
    """(2, 3, 5) as (5, 2, 3) is a permutation of a matrix (6, 5), reshaped before and after."""
    view = features(recorder.input("x", Type((2, 3, 5), REAL)), (2, 0, 1))
    graph = recorder.build({"y": recorder.in_order(view).value})
    assert kinds(graph) == ["reshape", "permute", "reshape"]
    assert graph.nodes["permute"].op == Permute((1, 0))


def test_routes_are_written_once_however_often_they_are_needed(recorder: Recorder) -> None:
    view = features(recorder.input("x", Type((2, 5), REAL)), (1, 0))
    assert recorder.in_order(view) == recorder.in_order(view)


def test_dimensions_of_length_1_may_be_dropped(recorder: Recorder) -> None:
    view = recorder.input("x", Type((1, 5), REAL))
    assert recorder.type(recorder.in_order(view)).shape == (1, 5)
    assert recorder.type(recorder.in_order(view, frozenset({2}))).shape == (5,)


@pytest.mark.parametrize(
    ("order", "dim", "axis", "nodes"), [((0, 1, 2), 3, 1, []), ((2, 0, 1), 2, 2, []), ((2, 0, 1), 4, 1, [])]
)
def test_an_axis_that_exists_costs_nothing(
    recorder: Recorder, order: tuple[int, ...], dim: int, axis: int, nodes: list[str]
) -> None:
    view = features(recorder.input("x", Type((2, 3, 5), REAL)), order)
    same, place = recorder.axis_of(view, dim)
    assert (same, place) == (view, axis)
    assert kinds(recorder.build({"y": same.value})) == nodes


def test_of_axes_of_one_length_it_is_the_one_in_that_place(recorder: Recorder) -> None:
    view = recorder.input("x", Type((3, 3), REAL))
    assert [recorder.axis_of(view, dim)[1] for dim in (2, 3)] == [0, 1]


def test_merged_and_scattered_axes_are_made_first(recorder: Recorder) -> None:
    view = recorder.input("x", Type((2, 3, 5), REAL))
    _, _, a, b, c = view.dims
    merged, place = recorder.axis_of(view.with_dims((*view.dims[:2], (*a, *b), c)), 2)
    assert (recorder.type(merged).shape, place) == ((6, 5), 0)
    scattered, place = recorder.axis_of(view.with_dims((*view.dims[:2], b, (*a, *c))), 3)
    assert (recorder.type(scattered).shape, place) == ((3, 10), 1)
    single, place = recorder.axis_of(view.with_dims((*view.dims[:2], (), a, b, c)), 2)
    assert (recorder.type(single).shape, place) == ((1, 2, 3, 5), 0)


def test_expanding_repeats_dimensions_of_length_1(recorder: Recorder) -> None:
    view = recorder.input("x", Type((1, 5), REAL))
    assert recorder.expand(view, view.shape) is view
    wide = recorder.expand(view, (4, 3, 2, 5))
    assert wide.shape == (4, 3, 2, 5)
    graph = recorder.build({"y": wide.value})
    assert (kinds(graph), graph.nodes["expand"].type.shape) == (["expand"], (2, 5))


def test_a_static_value_over_time_and_features_that_become_time(recorder: Recorder) -> None:
    static = recorder.input("s", Type((4, 5), REAL, 1.0, True))
    assert recorder.repeat(static).shape == (4, 3, 4, 5)
    unfolded = recorder.unfold_time(static, 1)
    assert [axis.kind for dim in unfolded.dims for axis in dim] == [BATCH, TIME, FEATURE]
    assert recorder.type(unfolded).shape == (5,)
    assert recorder.is_timed(unfolded)


def test_constants_bear_the_model_s_name_or_that_of_their_use() -> None:
    weight, other = torch.ones(2), torch.ones(2)
    recorder = Recorder("net", STEPS, SAMPLES, {id(weight): "fc.weight"})
    recorder.path, recorder.function = "block", "mul"
    assert recorder.constant(weight, "weight").name == "fc.weight"
    assert recorder.constant(other, "weight").name == "block.mul.weight"
    with pytest.raises(CompileError, match=r"block\.mul\.bias holds NaN or infinity") as caught:
        recorder.constant(torch.tensor([1.0, float("nan")]), "bias")
    assert (caught.value.rule, caught.value.where) == ("import.finite", "block")


def test_parameters_of_one_name_are_stored_once(recorder: Recorder) -> None:
    x = recorder.input("x", Type((2,), REAL))
    weight = np.ones(2, np.float32)
    names = [recorder.emit(Scale(), x.value, params={"weight": Constant("w", weight)}) for _ in range(2)]
    graph = recorder.build({name: name for name in names})
    assert list(graph.params) == ["w"]


def test_nodes_that_no_output_needs_are_left_out(recorder: Recorder) -> None:
    x = recorder.input("x", Type((2,), REAL))
    recorder.emit(Function("exp"), x.value)
    assert kinds(recorder.build({"y": recorder.emit(Function("log"), x.value)})) == ["function"]
