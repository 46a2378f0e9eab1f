"""Every neuron that NIR files bring as integers: exact on grids, close elsewhere, refused with the reason where neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Delay, Input, Leaky, Lif, Linear, Past
from ir.ops.base import Op
from ir.quantize.network import quantize
from ir.text import graph_text, parse_graph
from ir.types import Type, graded
from ir.verify import verify

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
N, STEPS = 12, 60
Arrays = dict[str, np.ndarray]


def spikes(seed: int, rate: float = 0.2, steps: int = STEPS) -> Arrays:
    return {"x": (np.random.default_rng(seed).random((steps, 3, N)) < rate).astype(np.float64)}


def recurrent(op: Op, seed: int, weights: Any, params: Arrays | None = None, steps: int = 0) -> Graph:
    """Two populations of the neuron: x -> a -> b over a delay, a back to itself, b back to a."""
    b = GraphBuilder("net", steps, dtype="float64")
    rng = np.random.default_rng(seed)
    kind = Type((N,), op.infer((Type((N,)),), {}).domain)

    def linear(source: str, name: str) -> str:
        return b.add(Linear(), source, name=name, params={"weight": b.param(f"{name}.w", weights(rng))})

    x = b.add(Input(f"spike[{N}]"), name="x")
    own = {role: b.param(role, array) for role, array in (params or {}).items()}
    back = [b.add(Past(name, str(kind), late), name=f"past_{name}") for name, late in (("a", 1), ("b", 2))]
    currents = [linear(source, f"in{place}") for place, source in enumerate((x, *back))]
    b.add(op, *currents, name="a", params=own)
    late = b.add(Delay(1), "a", name="late")
    b.add(op, linear(late, "between"), name="b", params=own)
    return b.build({"a": "a", "b": "b"})


def integer_run(graph: Graph, inputs: Arrays) -> tuple[Graph, Arrays, Any]:
    chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
    verify(chip, "quantized")
    assert parse_graph(graph_text(chip), chip.params) == chip
    return chip, interpret(chip, {"x": inputs["x"].astype(np.int64)}), report


WHOLE = st.fixed_dictionaries(
    {
        "decay": st.sampled_from([0.0, 1.0]),
        "current_decay": st.sampled_from([1.0, 0.0]),
        "comparator": st.sampled_from([">", ">="]),
        "reset": st.sampled_from(["value", "subtract", "none"]),
        "reset_at": st.sampled_from(["spike", "next"]),
        "order": st.sampled_from(["current_first", "membrane_first"]),
        "threshold": st.sampled_from([1.0, 2.5, 6.0]),
        "v_reset": st.sampled_from([0.0, -1.5]),
        "v0": st.sampled_from([0.0, 0.5]),
        "gain": st.sampled_from([1.0, 0.25, -1.0]),
        "max_spikes": st.sampled_from([1, 3]),
    }
)


def grid(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-4, 6, (N, N)) / 2


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(WHOLE, st.integers(0, 10**6), st.booleans())
def test_neurons_on_a_grid_lose_nothing_for_any_number_of_steps(options, seed: int, windowed: bool):
    steps = 12
    graph = recurrent(Lif(form="sum", **options), seed, grid, steps=steps if windowed else 0)
    if options["current_decay"] == 0 and not windowed:
        with pytest.raises(CompileError, match="never decays"):
            quantize(graph, LOIHI2.arithmetic, spikes(seed, steps=steps))
        return
    inputs = spikes(seed, steps=steps)
    _, found, report = integer_run(graph, inputs)
    assert all(layer.exact for layer in report.layers)
    expected = interpret(graph, inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in ("a", "b"))


@pytest.mark.slow
@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([">", ">="]),
    st.sampled_from(["value", "subtract"]),
    st.integers(0, 10**6),
    st.sampled_from([0.0, 1.0, 2.0]),
)
def test_integrators_of_unequal_thresholds_are_exact(comparator: str, reset: str, seed: int, v_reset: float):
    rng = np.random.default_rng(seed)
    own = {"threshold": rng.integers(2, 9, N) + 1.0, "leak": np.zeros(N), "v_reset": np.full(N, v_reset)}
    own["decay"] = rng.choice([0.0, 1.0], N)
    inputs = spikes(seed)
    graph = recurrent(Lif(0.0, form="sum", comparator=comparator, reset=reset), seed, grid, own)
    chip, found, report = integer_run(graph, inputs)
    assert all(layer.exact for layer in report.layers)
    expected = interpret(graph, inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in ("a", "b"))
    assert chip.arrays(chip.nodes["a"])["vth"].shape == (N,)


@pytest.mark.slow
@given(st.sampled_from([">", ">="]), st.sampled_from(["value", "subtract"]), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_halving_is_exact_while_its_fractions_fit(comparator: str, reset: str, seed: int):
    inputs = spikes(seed, steps=6)
    graph = recurrent(Lif(0.5, gain=2.0, threshold=2.0, comparator=comparator, reset=reset), seed, grid, steps=6)
    _, found, report = integer_run(graph, inputs)
    assert all(layer.exact for layer in report.layers)
    expected = interpret(graph, inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in ("a", "b"))


def trained(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 1, (N, N))


TYPICAL: dict[str, tuple[Lif, Arrays]] = {
    "tau 10": (Lif(0.1, gain=4.0, comparator=">"), {}),
    "tau 1000": (Lif(0.001, gain=100.0, comparator=">"), {}),
    "soft": (Lif(0.1, gain=4.0, comparator=">", reset="subtract"), {}),
    "cuba": (Lif(0.1, gain=4.0, comparator=">", current_decay=0.2, current_form="euler"), {}),
    "cuba with bias": (Lif(0.1, gain=2.0, comparator=">", current_decay=0.3), {"bias": np.linspace(-0.5, 0.5, N)}),
    "membrane first": (
        Lif(0.1, gain=2.0, current_decay=0.3, order="membrane_first"),
        {"bias": np.linspace(-0.5, 0.5, N)},
    ),
    "late reset": (Lif(0.1, form="sum", gain=0.3, reset="subtract", reset_at="next"), {}),
    "rest and reset": (Lif(0.1, gain=3.0, leak=0.4, v_reset=-0.5, v0=0.3), {}),
    "own": (
        Lif(0.1, comparator=">"),
        {"decay": np.linspace(0.02, 0.5, N), "gain": np.linspace(-4, 6, N), "threshold": np.linspace(0.5, 2, N)},
    ),
    "bursts": (Lif(0.1, gain=6.0, reset="subtract", max_spikes=4), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TYPICAL)
def test_typical_networks_agree(name: str):
    """Single layers on more than 95 %; feedback multiplies what differs, so loops are judged by their rates."""
    op, params = TYPICAL[name]
    b = GraphBuilder("net", 0, dtype="float64")
    weight = b.param("w", trained(np.random.default_rng(3)))
    current = b.add(Linear(), b.add(Input(f"spike[{N}]"), name="x"), name="l", params={"weight": weight})
    own = {role: b.param(role, array) for role, array in params.items()}
    graph, inputs = b.build({"y": b.add(op, current, name="y", params=own)}), spikes(5)
    _, found, _ = integer_run(graph, inputs)
    expected = interpret(graph, inputs)["y"]
    assert expected.any()
    assert np.mean((expected > 0) == (found["y"] > 0)) > 0.95
    loop = recurrent(op, 3, trained, params)
    _, found, _ = integer_run(loop, inputs)
    rates = {key: (values.mean(), found[key].mean()) for key, values in interpret(loop, inputs).items()}
    assert all(abs(a - b) < 0.1 * max(a, 0.1) for a, b in rates.values()), rates


@pytest.mark.parametrize(
    ("op", "params"),
    [
        (Leaky(0.1), {}),
        (Leaky(0.0, form="sum"), {}),
        (Leaky(0.1, current_decay=0.2, leak=0.3, v0=1.0), {"bias": np.linspace(-1, 1, N)}),
        (Leaky(0.1), {"decay": np.linspace(0.05, 1, N), "gain": np.linspace(-2, 3, N)}),
    ],
)
def test_leaky_readouts_keep_their_values(op: Leaky, params: Arrays):
    b = GraphBuilder("net", 0, dtype="float64")
    weight = b.param("w", trained(np.random.default_rng(1)))
    current = b.add(Linear(), b.add(Input(f"spike[{N}]"), name="x"), name="l", params={"weight": weight})
    own = {role: b.param(role, array) for role, array in params.items()}
    graph, inputs = b.build({"y": b.add(op, current, name="y", params=own)}), spikes(2)
    chip, found, report = integer_run(graph, inputs)
    expected = interpret(graph, inputs)["y"]
    error = found["y"] * report.scales["y"] - expected
    assert np.sqrt(np.mean(error**2)) < 0.03 * np.sqrt(np.mean(expected**2))
    assert chip.nodes["y"].op.kind == "integer_leaky"


def test_a_start_that_no_state_holds_is_told_in_a_few_digits():
    graph = recurrent(Lif(0.1, v0=1e300), 3, trained, {})
    with pytest.raises(CompileError, match=r"a start of v of \d[.\d]{1,9}e\+\d+ units does not fit 24 bits"):
        quantize(graph, LOIHI2.arithmetic, spikes(0))


def test_payloads_round_a_loop_have_one_type_everywhere():
    b = GraphBuilder("net", 0, dtype="float64")
    rng = np.random.default_rng(0)
    x = b.add(Input(f"spike[{N}]"), name="x")
    back = b.add(Past("late", "graded<24>[4]"), name="back")
    wires = [
        b.add(Linear(), source, name="w", params={"weight": b.param("w", rng.normal(0, 0.5, (N, columns)))})
        for source, columns in ((x, N), (back, 4))
    ]
    s = b.add(Lif(0.2, gain=3.0), *wires, name="s")
    out = b.add(Linear(), s, name="out", params={"weight": b.param("o", rng.normal(0, 0.5, (4, N)))})
    late = b.add(Delay(2), b.add(Leaky(0.1), out, name="y"), name="late")
    graph, inputs = b.build({"s": s, "y": late}), spikes(0)
    chip, found, report = integer_run(graph, inputs)
    assert chip.nodes["back"].type == chip.nodes["late"].type
    assert chip.nodes["back"].type.domain != graded(24)
    expected = interpret(graph, inputs)
    assert np.mean(expected["s"] == found["s"]) > 0.9
    assert np.abs(found["y"] * report.scales["y"]).max() == pytest.approx(np.abs(expected["y"]).max(), rel=0.3)
