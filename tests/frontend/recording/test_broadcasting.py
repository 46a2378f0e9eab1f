"""Two operands become one node: with as many dimensions, time where the other has time, and no axis for batch or window."""

from __future__ import annotations

import pytest

from frontend.recording.broadcasting import combine, in_step
from frontend.recording.layout import BATCH, FEATURE, TIME, Axis, View
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Add, Mul
from ir.types import REAL, Type

STEPS, BATCHES = 4, 3


@pytest.fixture
def recorder() -> Recorder:
    return Recorder("net", STEPS, BATCHES, {})


def timed(recorder: Recorder, name: str, *shape: int) -> View:
    return recorder.input(name, Type(shape, REAL))


def static(recorder: Recorder, name: str, *shape: int) -> View:
    return recorder.input(name, Type(shape, REAL, 1.0, True))


def graph_of(recorder: Recorder, view: View) -> Graph:
    return recorder.build({"y": view.value})


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values() if node.op.kind != "input"]


def test_tensors_that_lie_alike_are_combined_as_they_lie(recorder: Recorder) -> None:
    x, y = timed(recorder, "x", 2, 5), timed(recorder, "y", 2, 5)
    turned = [view.with_dims((*view.dims[:2], view.dims[3], view.dims[2])) for view in (x, y)]
    result = combine(recorder, Add(), *turned)
    assert result.dims == turned[0].dims
    assert kinds(graph_of(recorder, result)) == ["add"]


@pytest.mark.parametrize("rows", [2, 5])
def test_tensors_that_lie_otherwise_are_brought_in_order(recorder: Recorder, rows: int) -> None:
    x, y = timed(recorder, "x", rows, 5), timed(recorder, "y", 5, rows)
    result = combine(recorder, Mul(), x.with_dims((*x.dims[:2], x.dims[3], x.dims[2])), y)
    assert result.shape == (STEPS, BATCHES, 5, rows)
    graph = graph_of(recorder, result)
    assert kinds(graph) == ["permute", "mul"]
    assert graph.nodes["mul"].type.shape == (5, rows)


def test_sums_are_widened_and_products_are_not(recorder: Recorder) -> None:
    x, y = timed(recorder, "x", 1, 5), timed(recorder, "y", 2, 5)
    total = combine(recorder, Add(), x, y)
    product = combine(recorder, Mul(), x, y)
    assert total.shape == product.shape == (STEPS, BATCHES, 2, 5)
    assert kinds(graph_of(recorder, total)) == ["expand", "add"]
    assert kinds(recorder.build({"y": product.value})) == ["mul"]


def test_a_static_operand_meets_a_timed_one_behind_its_time(recorder: Recorder) -> None:
    x, s = timed(recorder, "x", 5), static(recorder, "s", 5)
    for pair in ((x, s), (s, x)):
        assert combine(recorder, Add(), *pair).shape == (STEPS, BATCHES, 5)


def test_missing_dimensions_are_put_in_front(recorder: Recorder) -> None:
    x, s = timed(recorder, "x", 5), static(recorder, "s", 5)
    first, second = in_step(recorder, s, x)
    assert first.dims == ((), *s.dims)
    assert second == x


def test_features_as_long_as_the_window_become_time_where_the_other_has_time(recorder: Recorder) -> None:
    x = timed(recorder, "x", 5)
    s = View(
        static(recorder, "s", STEPS, 5).value,
        ((Axis(FEATURE, STEPS, (0,)),), (Axis(BATCH, BATCHES),), (Axis(FEATURE, 5, (1,)),)),
    )
    for first, second in (in_step(recorder, x, s), reversed(in_step(recorder, s, x))):
        assert first == x
        assert [axis.kind for dim in second.dims for axis in dim] == [TIME, BATCH, FEATURE]
    assert kinds(graph_of(recorder, second)) == ["unfold_time"]


def test_time_does_not_meet_batch(recorder: Recorder) -> None:
    x = timed(recorder, "x", 5)
    turned = x.with_dims((x.dims[1], x.dims[0], x.dims[2]))
    with pytest.raises(CompileError, match=r"combines \(T, B, 5\) with \(B, T, 5\): time and batch do not meet"):
        in_step(recorder, x, turned)


def test_a_window_of_one_step_meets_every_step(recorder: Recorder) -> None:
    x, one = timed(recorder, "x", 5), recorder.input("one", Type((5,), REAL, steps=1))
    assert one.shape == (1, BATCHES, 5)
    both = combine(recorder, Add(), x, one)
    assert both.shape == (STEPS, BATCHES, 5)
    assert kinds(graph_of(recorder, both)) == ["at_step", "add"]


def test_time_does_not_meet_time_elsewhere(recorder: Recorder) -> None:
    x, y = timed(recorder, "x", 5), timed(recorder, "y", 5)
    turned = y.with_dims(((), y.dims[1], y.dims[2], y.dims[0]))
    with pytest.raises(CompileError, match="change in time along different dimensions"):
        in_step(recorder, x.with_dims((*x.dims, ())), turned)
