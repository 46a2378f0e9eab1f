"""Every kind of neuron step by step is its operation over a whole window, and starts anew after a reset."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.neurons import Defined, Memoryless, neuron_of
from backends.lava.core.plain_lif import PlainLif
from backends.lava.validate import magnitude_bounds
from ir.graph import Graph, GraphBuilder
from ir.ops import Burst, Gate, Graded, Input, Leaky, Lif, Linear, Synapse
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

STEPS, LANES, SIZE = 7, 3, 4
INTEGERS = {
    "plain": (IntegerLif(1000, 333, 20, 6, 12, 24), PlainLif, np.float32),
    "subtract": (IntegerLif(4095, 0, 8, 6, 12, 24, theta=512, reset="subtract"), Defined, np.float32),
    "leaky": (IntegerLeaky(1000, 333, 6, 12, 30, 30), Defined, np.float64),
    "graded": (Graded(8, 2), Memoryless, np.float32),
    "rectified": (Graded(8, 1, "rectified"), Memoryless, np.float32),
    "wide": (Graded(40), Memoryless, np.float64),
    "gate": (Gate(6, 1, enables=1), Memoryless, np.float32),
    "burst": (Burst(3), Memoryless, np.float32),
}
REALS = {
    "lif": (Lif(0.5, threshold=0.4), Defined),
    "li": (Leaky(0.3), Defined),
    "graded": (Graded(24), Memoryless),
    "rectified": (Graded(24, form="rectified"), Memoryless),
    "gate": (Gate(24, enables=1), Memoryless),
}


def population(op, bias: np.ndarray | None, dtype: str) -> Graph:
    """Two currents into a population, the second of which opens a gate; weights of the dtype."""
    b = GraphBuilder("one", STEPS, dtype="float32" if dtype == "int8" else dtype)
    domains = ("graded<8>", "spike" if isinstance(op, Gate) else "graded<8>")
    weight = {"weight": b.param("w", np.eye(SIZE, dtype=dtype))}
    currents = [b.add(Linear(), b.add(Input(f"{kind}[{SIZE}]"), name="x"), name="l", params=weight) for kind in domains]
    params = {} if bias is None else {"bias": b.param("b", bias)}
    return b.build({"y": b.add(op, *currents, name="y", params=params)})


def currents_of(op, scale: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    second = (
        rng.integers(0, 2, (STEPS, LANES, SIZE))
        if isinstance(op, Gate)
        else rng.integers(-60, 90, (STEPS, LANES, SIZE)) * scale
    )
    return rng.integers(-60, 90, (STEPS, LANES, SIZE)) * scale, second


def stepped(neuron, currents: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.concatenate([neuron.step(*(current[t : t + 1] for current in currents)) for t in range(STEPS)])


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("case", INTEGERS)
def test_integers(case: str, biased: bool):
    op, kind, dtype = INTEGERS[case]
    bias = np.array([-70, 0, 5, 300], np.int32) if biased else None
    graph = population(op, bias, "int8")
    neuron = neuron_of(graph, graph.nodes["y"], magnitude_bounds(graph), STEPS)
    assert type(neuron) is kind
    currents = currents_of(op, 1)
    exact = op.run(currents, {} if bias is None else {"bias": bias.astype(np.int64)}, STEPS)
    assert exact.any()
    for _ in range(2):
        neuron.reset()
        emitted = stepped(neuron, tuple(current.astype(np.float32) for current in currents))
        assert emitted.dtype == dtype
        assert np.array_equal(emitted, exact)


@pytest.mark.parametrize("scale", [0.013, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", REALS)
def test_the_sources_own_arithmetic(case: str, dtype: str, scale: float):
    op, kind = REALS[case]
    bias = np.array([0.1, -0.1, 0, 0.3], dtype)
    graph = population(op, bias, dtype)
    neuron = neuron_of(graph, graph.nodes["y"], None, STEPS)
    assert type(neuron) is kind
    currents = tuple(current.astype(dtype) for current in currents_of(op, scale))
    exact = op.run(currents, {"bias": bias}, STEPS)
    assert exact.max() > 30 * scale or kind is Defined
    for _ in range(2):
        neuron.reset()
        emitted = stepped(neuron, currents)
        assert emitted.dtype == dtype
        assert np.array_equal(emitted, exact)


def test_constants_of_single_neurons_come_with_the_definition():
    b = GraphBuilder("one", STEPS)
    current = b.add(Synapse(1), b.add(Input(f"graded<8>[{SIZE}]"), name="x"), name="s")
    vth = np.array([1, 20, 40, 5], np.int32)
    y = b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), current, name="y", params={"vth": b.param("vth", vth)})
    graph = b.build({"y": y})
    neuron = neuron_of(graph, graph.nodes["y"], magnitude_bounds(graph), STEPS)
    x = currents_of(None, 1)[:1]
    exact = graph.nodes["y"].op.run(x, {"vth": vth.astype(np.int64)}, STEPS)
    assert np.array_equal(stepped(neuron, x), exact)
