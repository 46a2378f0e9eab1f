"""What does not fit a chip graph is refused under the engine's own rule, before anything runs; what fits comes as the engine needs it."""

from __future__ import annotations

import numpy as np
import pytest

from backends.inputs import InputCheck, check_probes
from backends.reference.engine import ReferenceEngine
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Lif, Linear, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

RULE = "engine.input"


def network(integer: bool = True, steps: int = 3) -> Graph:
    b = GraphBuilder("net", steps)
    x, a = b.add(Input("spike[2]"), name="x"), b.add(Input("graded<4>[2]"), name="a")
    currents = [b.add(Synapse(), value, name="s") for value in (x, a)]
    op = IntegerLif(4095, 2048, 2, 6, 12, 24) if integer else Lif(0.5)
    return b.build({"y": b.add(op, *currents, name="y")})


def fitting(steps: int = 3, samples: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"x": rng.integers(0, 2, (steps, samples, 2)), "a": rng.integers(-8, 8, (steps, samples, 2))}


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int64, np.float32, np.float64])
def test_whole_numbers_of_any_dtype_fit(dtype):
    inputs = {**fitting(), "x": fitting()["x"].astype(dtype)}
    checked = InputCheck(network(), RULE).checked(inputs)
    assert list(checked) == ["x", "a"]
    assert all(np.array_equal(checked[name], inputs[name]) for name in inputs)


def test_a_single_step_is_repeated_over_the_window():
    inputs = {**fitting(), "a": fitting()["a"][:1]}
    checked = InputCheck(network(), RULE).checked(inputs)
    assert np.array_equal(checked["a"], np.repeat(inputs["a"], 3, axis=0))
    trace, repeated = (ReferenceEngine(network(), "cpu").run(x) for x in (inputs, {**inputs, "a": checked["a"].copy()}))
    assert trace.events == repeated.events
    assert np.array_equal(trace.outputs["y"], repeated.outputs["y"])


def test_a_streaming_network_takes_its_length_from_the_longest_input():
    inputs = {"x": fitting(7)["x"], "a": fitting(1)["a"]}
    assert InputCheck(network(steps=0), RULE).checked(inputs)["a"].shape == (7, 4, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": None}, "missing input 'a': x given, the network has a, x"),
        ({"b": np.zeros((3, 4, 2))}, "unknown input 'b': a, b, x given, the network has a, x"),
        ({"a": np.zeros((3, 4, 3))}, "input 'a' has shape (3, 4, 3), needs (T, B, 2)"),
        ({"a": np.zeros(2)}, "input 'a' has shape (2,), needs (T, B, 2)"),
        ({"a": np.zeros((2, 4, 2))}, "input 'a' has 2 steps, the window has 3"),
        ({"a": np.zeros((3, 5, 2))}, "inputs of [4, 5] samples cannot run together"),
        ({"a": np.zeros((3, 0, 2)), "x": np.zeros((3, 0, 2))}, "inputs of [0] samples cannot run together"),
        ({"a": np.full((3, 4, 2), np.nan)}, "input 'a' holds values that are not finite numbers"),
        ({"a": np.full((3, 4, 2), np.inf, np.float32)}, "input 'a' holds values that are not finite numbers"),
        ({"a": np.full((3, 4, 2), "one")}, "input 'a' holds values that are not finite numbers"),
        ({"a": np.full((3, 4, 2), 0.5)}, "input 'a' must hold integers from -8 to 7"),
        ({"a": np.full((3, 4, 2), 8)}, "input 'a' must hold integers from -8 to 7"),
        ({"a": np.full((3, 4, 2), -9, np.int8)}, "input 'a' must hold integers from -8 to 7"),
        ({"x": np.full((3, 4, 2), 2, np.uint8)}, "input 'x' must hold integers from 0 to 1"),
        ({"x": np.full((3, 4, 2), -1)}, "input 'x' must hold integers from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, np.ndarray | None], message: str):
    inputs = {name: x for name, x in {**fitting(), **change}.items() if x is not None}
    with pytest.raises(CompileError) as error:
        InputCheck(network(), RULE).checked(inputs)
    assert (error.value.rule, error.value.what) == (RULE, message)
    with pytest.raises(CompileError) as error:
        ReferenceEngine(network(), "cpu").run(inputs)
    assert (error.value.rule, error.value.what) == ("run.input", message)


def test_real_networks_take_real_payloads_and_spikes_are_spikes():
    graph, halves = network(integer=False), {**fitting(), "a": np.full((3, 4, 2), 99.5)}
    assert InputCheck(graph, RULE).checked(halves)["a"].max() == 99.5
    with pytest.raises(CompileError, match="'x' must hold integers from 0 to 1"):
        InputCheck(graph, RULE).checked({**fitting(), "x": np.full((3, 4, 2), 1.5)})


def test_a_run_of_no_length_is_refused():
    with pytest.raises(CompileError, match="0 steps"):
        InputCheck(network(steps=0), RULE).checked(fitting(0))
    b = GraphBuilder("alone", 0)
    weight = {"weight": b.param("w", np.ones((2, 2), np.int8))}
    current = b.add(Linear(), b.add(Past("y", "graded<8>[2]"), name="back"), name="l", params=weight)
    with pytest.raises(CompileError, match="no inputs"):
        InputCheck(b.build({"y": b.add(Graded(8), current, name="y")}), RULE).checked({})


def test_probes_are_populations_or_inputs():
    check_probes(network(), ("y", "x", "a"), "engine.probe")
    for name in ("nobody", "s"):
        with pytest.raises(CompileError) as error:
            check_probes(network(), ("y", name), "engine.probe")
        assert (error.value.rule, error.value.hint) == ("engine.probe", "known: y, x, a")
        assert repr(name) in error.value.what
