"""What could not be computed exactly, or at all, is refused with the node's name before a process is built."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.validate import check_parameters, magnitude_bounds, with_input_range
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Delay, Graded, Input, Lif, Linear, Sum, Synapse
from ir.ops.integer_neuron import IntegerLif


def net(
    weight: np.ndarray, bias: np.ndarray | None = None, payload: int = 8, scale: float = 1, real: bool = False
) -> Graph:
    b = GraphBuilder("net", 1)
    p = b.add(Input(f"graded<{payload}>[2]"), name="p")
    where = Provenance("block.fc")
    current = b.add(Linear(), p, name="l", params={"weight": b.param("w", weight)}, provenance=where)
    more = b.add(Synapse(scale), b.add(Input("spike[2]"), name="x"), name="s")
    params = {} if bias is None else {"bias": b.param("b", bias)}
    return b.build(
        {"y": b.add(Lif(0.5) if real else IntegerLif(4095, 0, 1, 6, 12, 24), current, more, name="y", params=params)}
    )


WEIGHT = np.array([[1, -2], [3, 4]], np.int8)
REFUSED = {
    "a weight of floats": (net(WEIGHT / 1.0), False, "%l: weight is of type float64, the network is one of integers"),
    "a weight that is NaN": (
        net(np.full((2, 2), np.nan)),
        False,
        "%l: weight holds values that are not finite numbers",
    ),
    "a bias that is infinite": (
        net(WEIGHT, np.array([0, np.inf])),
        False,
        "%y: bias holds values that are not finite numbers",
    ),
    "a synapse of one half": (net(WEIGHT, scale=0.5), False, "%s: weight is 0.5, the network is one of integers"),
    "a real weight that is infinite": (
        net(np.full((2, 2), np.inf), real=True),
        True,
        "%l: weight holds values that are not finite",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_numbers_that_are_none(case: str):
    graph, real, what = REFUSED[case]
    with pytest.raises(CompileError) as error:
        check_parameters(graph, real)
    assert error.value.rule == "lava.parameter"
    assert what in error.value.what
    assert error.value.hint == ("the weights must be finite" if real else "quantise the network first")
    if what.startswith("%l"):
        assert error.value.where == "block.fc"


def test_whole_numbers_pass_and_real_networks_may_have_any():
    check_parameters(net(WEIGHT, np.array([5, -5], np.int32), scale=3), real=False)
    check_parameters(net(WEIGHT / 3, np.array([0.1, 0.2]), scale=0.5, real=True), real=True)


@pytest.mark.parametrize("steps", [np.array([0, -1]), np.array([0, 1.5])])
def test_delays_that_are_none(steps: np.ndarray):
    b = GraphBuilder("late", 0)
    late = b.add(Delay(), b.add(Input("spike[2]"), name="x"), name="late", params={"steps": b.param("steps", steps)})
    graph = b.build({"y": b.add(Lif(0.5), b.add(Synapse(1.0), late, name="s"), name="y")})
    with pytest.raises(CompileError, match=r"%late: steps holds delays that are no whole numbers from 0"):
        check_parameters(graph, real=True)


def test_bounds_are_sums_of_magnitudes():
    bounds = magnitude_bounds(net(WEIGHT, payload=5, scale=3))
    assert {name: bounds[name] for name in ("p", "x", "l", "s", "y")} == {"p": 16, "x": 1, "l": 7 * 16, "s": 3, "y": 1}


def test_sums_beyond_float64_are_refused_with_their_size():
    b = GraphBuilder("wide", 1)
    total = b.add(Sum((0,), weight=1 << 30), b.add(Input("graded<24>[4]"), name="p"), name="total")
    graph = b.build({"y": b.add(Graded(40), total, name="y")})
    with pytest.raises(CompileError) as error:
        magnitude_bounds(graph)
    assert error.value.rule == "lava.range"
    assert str(4 << 30 << 23) in error.value.what
    assert error.value.where.startswith("%total")


@pytest.mark.parametrize(("largest", "bits"), [(0, 1), (1, 2), (127, 8), (128, 9), (4000, 13)])
def test_inputs_are_narrowed_to_what_they_carry(largest: int, bits: int):
    graph = with_input_range(net(WEIGHT, payload=24), {"p": largest, "x": 1})
    assert str(graph.nodes["p"].type) == f"graded<{bits}>[2]"
    assert -(1 << bits - 1) <= -largest <= largest <= (1 << bits - 1) - 1 + (largest == 0)
    assert str(graph.nodes["x"].type) == "spike[2]"
    assert graph.nodes["l"] == net(WEIGHT, payload=24).nodes["l"]
