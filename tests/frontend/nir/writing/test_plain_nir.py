"""Lowered networks as standard NIR, run by an independent simulator of NIR's own definition (strict, forward Euler, dt = 1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest

import hw_profiles
from frontend.nir.round_trip.file import write_nir
from frontend.nir.writing.plain_nir import MAX_MATRIX_ELEMENTS, plain_nir
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    Add,
    Burst,
    Concat,
    Conv,
    Expand,
    Graded,
    Input,
    Lif,
    Linear,
    MatMul,
    Permute,
    Reshape,
    Scale,
    Slice,
    Sum,
    Synapse,
)
from ir.pipeline.pipeline import lower

STEPS = 4


def simulate(graph: nir.NIRGraph, inputs: dict[str, Array], dtype: type) -> dict[str, Array]:
    """Every node by its NIR equation: (T, B, size) in, (T, B, size) out; edges into a node add up; v > threshold fires."""
    sources = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    values: dict[str, Array] = {name: array.astype(dtype) for name, array in inputs.items()}
    while len(values) < len(graph.nodes):
        for name, node in graph.nodes.items():
            if name not in values and all(source in values for source in sources[name]):
                x = sum(values[source] for source in sources[name])
                values[name] = _run(node, x, dtype)
    return {name: values[name] for name in graph.nodes if isinstance(graph.nodes[name], nir.Output)}


def _run(node: nir.NIRNode, x: Array, dtype: type) -> Array:
    if isinstance(node, nir.Linear | nir.Affine):
        return x @ node.weight.astype(dtype).T + (node.bias.astype(dtype) if isinstance(node, nir.Affine) else 0)
    if isinstance(node, nir.Scale):
        return x * node.scale.astype(dtype)
    if isinstance(node, nir.Output):
        return x
    assert isinstance(node, nir.LIF | nir.IF)
    v, out = np.zeros_like(x[0]), []
    for current in x:
        drive = node.r.astype(dtype) * current
        v = v + (
            drive if isinstance(node, nir.IF) else (node.v_leak.astype(dtype) - v + drive) / node.tau.astype(dtype)
        )
        fired = v > node.v_threshold.astype(dtype)
        v = np.where(fired, node.v_reset.astype(dtype), v)
        out.append(fired.astype(dtype))
    return np.stack(out)


def integers(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(-3, 4, size=shape).astype(np.float32)


def spiking_graph() -> Graph:
    """Every routing and every projection of a lowered network, integer weights: full of ties."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("spiking", STEPS)

    def add(op: object, *values: str, name: str, **params: Array) -> str:
        stored = {role: builder.param(f"{name}.{role}", array) for role, array in params.items()}
        return builder.add(op, *values, name=name, params=stored)

    image, x = builder.add(Input("spike[1x4x4]"), name="image"), builder.add(Input("spike[4x6]"), name="x")
    a = add(Linear(), x, name="a_current", weight=integers(rng, 6, 6))
    a = add(Lif(decay=0.5, threshold=2.0), a, name="a", bias=integers(rng, 6))
    pooled = add(Sum((0,)), add(Reshape((2, 2, 6)), a, name="split"), name="sum")
    mask = add(Lif(decay=0.5, threshold=0.5), pooled, name="mask")
    wires = add(Synapse(), add(Expand((2, 2, 6)), mask, name="wide"), name="mask_in")
    unit = add(Synapse(), add(Reshape((2, 2, 6)), x, name="other"), name="x_in")
    both = add(Lif(decay=1.0, form="sum", threshold=2.0), wires, unit, name="and")
    turned = add(Reshape((4, 6)), add(Permute((1, 0, 2)), both, name="turn"), name="flat")
    left = add(Linear(), turned, name="left", weight=integers(rng, 6, 6))
    right = add(Linear(), a, name="right", weight=integers(rng, 6, 6))
    b = add(Lif(decay=0.25, threshold=1.0, leak=0.5, v_reset=-0.5), left, right, name="b")
    conv = add(Conv((2, 2), (1, 1), (1, 1)), image, name="conv", weight=integers(rng, 6, 1, 3, 3))
    c = add(
        Lif(decay=0.0, form="sum", gain=0.5, threshold=2.5, comparator=">"), conv, name="c", bias=integers(rng, 6, 1, 1)
    )
    joined = add(
        Concat(0), add(Permute((1, 0)), add(Reshape((6, 4)), c, name="c_flat"), name="c_turn"), b, name="joined"
    )
    cut = add(Slice(0, 2, 6), joined, name="cut")
    d = add(Lif(decay=0.5, threshold=1.0), add(Synapse(2.0), cut, name="d_in"), name="d")
    return builder.build({"counts": add(Add(), a, b, d, d, name="counts"), "c": c})


def spikes(graph: Graph, seed: int, batch: int = 64) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {n.name: (rng.random((STEPS, batch, *n.type.shape)) < 0.4).astype(np.float32) for n in graph.inputs}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_another_reader_gets_the_same_spikes(seed: int, dtype: type, tmp_path: Path) -> None:
    graph = spiking_graph()
    written = plain_nir(graph).graph
    assert written is not None
    write_nir(written, tmp_path / "lowered.nir")
    read = nir.read(tmp_path / "lowered.nir", type_check=True)
    assert {type(node) for node in read.nodes.values()} <= {
        nir.Input,
        nir.Output,
        nir.LIF,
        nir.IF,
        nir.Linear,
        nir.Affine,
        nir.Scale,
    }
    inputs = spikes(graph, seed)
    theirs = simulate(read, {name: array.reshape(*array.shape[:2], -1) for name, array in inputs.items()}, dtype)
    ours = interpret(graph, inputs)
    assert len(theirs) == 2
    for name, array in ours.items():
        found = theirs[name if name in theirs else f"{name}_output"]
        np.testing.assert_array_equal(found, array.reshape(found.shape))
        assert array.mean() > 0.05


def test_ties_do_occur() -> None:
    graph = spiking_graph()
    strict = {
        name: replace(node, op=replace(node.op, comparator=">")) if isinstance(node.op, Lif) else node
        for name, node in graph.nodes.items()
    }
    inputs = spikes(graph, 0)
    other = interpret(Graph("strict", STEPS, strict, graph.outputs, graph.params), inputs)
    assert (other["counts"] != interpret(graph, inputs)["counts"]).any()


def test_unit_wires_are_bare_edges() -> None:
    written = plain_nir(spiking_graph()).graph
    assert written is not None
    assert ("x", "and") in written.edges
    assert ("a", "counts.sum") in written.edges
    assert isinstance(written.nodes["counts.sum.from.d"], nir.Scale)
    assert [a for a, b in written.edges if b == "counts"] == ["counts.sum"]
    assert "grid" in written.nodes["a"].metadata["threshold_is"]
    assert written.nodes["c"].metadata["threshold_is"] == "strict in the source"


def one_neuron(op: object, size: int = 3) -> Graph:
    builder = GraphBuilder("one", STEPS)
    current = builder.add(Synapse(), builder.add(Input(f"spike[{size}]"), name="x"), name="current")
    return builder.build({"y": builder.add(op, current, name="y")})


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (one_neuron(Graded(8)), "graded neuron"),
        (one_neuron(Lif(decay=0.5, reset="subtract")), "resets by subtract"),
    ],
)
def test_what_nir_cannot_say_has_a_reason(graph: Graph, text: str) -> None:
    plain = plain_nir(graph)
    assert plain.graph is None
    assert text in plain.reason


def time_coded(rng: np.random.Generator) -> Graph:
    """LIF(Q K^T V / 8) of two heads on spikes of one input, lowered to bursts."""
    builder, shape = GraphBuilder("attention", STEPS), (2, 3, 4)
    x = builder.add(Input("spike[3x8]"), name="x")
    heads: dict[str, str] = {}
    for name in "qkv":
        weight = builder.param(f"{name}.weight", integers(rng, 8, 8))
        current = builder.add(Linear(), x, name=f"{name}_linear", params={"weight": weight})
        fired = builder.add(Lif(decay=0.5), current, name=f"{name}_lif")
        split = builder.add(Reshape((3, 2, 4)), fired, name=f"{name}_split")
        heads[name] = builder.add(Permute((1, 0, 2)), split, name=f"{name}_heads")
        assert builder.type(heads[name]).shape == shape
    turned = builder.add(Permute((0, 2, 1)), heads["k"], name="k_turned")
    scores = builder.add(MatMul(), heads["q"], turned, name="scores")
    mixed = builder.add(Scale(0.125), builder.add(MatMul(), scores, heads["v"], name="mixed"), name="scaled")
    return builder.build({"y": builder.add(Lif(decay=0.5, threshold=0.125), mixed, name="y")})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_micro_steps_are_neurons_of_their_own(dtype: type) -> None:
    source = time_coded(np.random.default_rng(1))
    lowered = lower(source, hw_profiles.load("ideal"), {"attention": "time-coded"}).chip
    assert any(node.op.kind == "burst" for node in lowered.nodes.values())
    written = plain_nir(lowered).graph
    assert written is not None
    inputs = spikes(source, 0)
    (ours,) = interpret(source, inputs).values()
    (theirs,) = simulate(written, {"x": inputs["x"].reshape(*inputs["x"].shape[:2], -1)}, dtype).values()
    np.testing.assert_array_equal(theirs, ours.reshape(theirs.shape))
    assert 0.1 < ours.mean() < 0.9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_a_burst_counts(weight: float, dtype: type) -> None:
    """Whole numbers and others, biased: y[m] = [n > m]."""
    builder = GraphBuilder("burst", STEPS)
    x = builder.add(Input("spike[6]"), name="x")
    matrix = builder.param("weight", np.full((2, 6), weight, np.float32))
    counts = builder.add(Linear(), x, name="n", params={"weight": matrix})
    bias = builder.param("bias", np.array([0, 1], np.float32))
    wire = builder.add(Synapse(), builder.add(Slice(0, 0, 2), x, name="part"), name="wire")
    y = builder.add(Burst(5), counts, wire, name="y", params={"bias": bias})
    graph = builder.build({"y": y})
    written = plain_nir(graph).graph
    assert written is not None
    inputs = spikes(graph, 0)
    x = inputs["x"]
    n = weight * x.sum(-1, keepdims=True) + x[..., :2] + [0, 1]
    expected = np.stack([n > m for m in range(5)], axis=2).reshape(*x.shape[:2], -1)
    (theirs,) = simulate(written, inputs, dtype).values()
    np.testing.assert_array_equal(theirs, expected)
    np.testing.assert_array_equal(interpret(graph, inputs)["y"].reshape(expected.shape), expected)


def test_too_large_is_a_reason_too() -> None:
    builder = GraphBuilder("large", STEPS)
    x = builder.add(Input("spike[100000]"), name="x")
    current = builder.add(Sum((0,)), builder.add(Reshape((500, 200)), x, name="r"), name="s")
    graph = builder.build({"y": builder.add(Lif(decay=0.5), current, name="y")})
    assert f"more than {MAX_MATRIX_ELEMENTS:,}" in plain_nir(graph).reason
