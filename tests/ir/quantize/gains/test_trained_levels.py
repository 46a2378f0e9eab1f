"""Weights of quantisation-aware training: their levels are found whatever the step, and the chip's integers are these levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear
from ir.ops.shape import Permute, Reshape
from ir.quantize.gains.trained_levels import levels_of, levels_of_rows, separate_levels
from ir.quantize.network import quantize
from ir.quantize.report import LayerReport

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
STEPS, SAMPLES, N = 8, 32, 24


def trained(steps: Any, shape: tuple[int, ...], most: int, seed: int = 0) -> Array:
    """Weights as fake quantisation leaves them: so many times a step, or a step per row, rounded to float32."""
    levels = np.random.default_rng(seed).integers(-most, most + 1, shape)
    levels[:, 0] = most
    levels[:, 1] = 1
    return (levels.astype(np.float32) * np.asarray(steps, np.float32)).astype(np.float32)


def network(op: Lif, weights: Mapping[str, Array], bias: Array | None = None, dtype: str = "float32") -> Graph:
    """Spikes of one input by several matrices into a population."""
    b = GraphBuilder("net", STEPS, dtype=dtype)
    x = b.add(Input(f"spike[{N}]"), name="x")
    each = [b.add(Linear(), x, name=name, params={"weight": b.param(name, w)}) for name, w in weights.items()]
    params = {} if bias is None else {"bias": b.param("b", bias)}
    return b.build({"s": b.add(op, *each, name="s", params=params)})


def spikes() -> Array:
    return (np.random.default_rng(1).random((STEPS, SAMPLES, N)) < 0.3).astype(np.float64)


def fired(graph: Graph, profile: Any = LOIHI2) -> tuple[LayerReport, Graph, int, int]:
    """The last layer's report, the integer network, spikes in floats, and how many differ in integers."""
    x = {"x": spikes()[..., : graph.nodes["x"].type.size].reshape(STEPS, SAMPLES, *graph.nodes["x"].type.shape)}
    chip, report = quantize(graph, profile.arithmetic, x, profile.features)
    ours, floats = interpret(chip, {"x": x["x"].astype(np.int64)})["s"], interpret(graph, x)["s"]
    return report.layers[-1], chip, int(np.sum(floats)), int(np.count_nonzero(ours != floats))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_levels_are_found_whatever_the_step(bits: int):
    for seed, step in enumerate(np.random.default_rng(bits).uniform(1e-4, 3, 50)):
        weights = trained(step, (6, 9), (1 << (bits - 1)) - 1, seed)
        found = levels_of(weights, 127)
        assert found is not None
        assert np.array_equal(found.levels, np.rint(weights / np.float32(step)))
        assert float(found.steps) == pytest.approx(float(np.float32(step)), rel=1e-7)


def test_floats_and_more_levels_than_the_chip_has_are_none():
    floats = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    assert levels_of(floats, 127) is None
    assert levels_of(floats[:1, :9], 127) is None
    assert levels_of(trained(0.1, (4, 9), 127), 127) is not None
    assert levels_of(trained(0.1, (4, 9), 128), 127) is None
    assert levels_of(np.array([[0.3, 0.1], [0.7, 0.2000002]], np.float32), 127) is None
    assert levels_of(np.zeros((3, 3), np.float32), 127) is None


def test_rows_have_steps_of_their_own():
    steps = np.random.default_rng(0).uniform(0.01, 1, (5, 1))
    weights = trained(steps, (5, 9), 7)
    weights[3] = 0
    assert levels_of(weights, 127) is None
    found = levels_of_rows(weights, 127)
    assert found is not None
    assert np.allclose(found.levels * found.steps[:, None], weights, rtol=1e-6, atol=0)
    assert found.steps[3] == found.steps.min()
    weights[3] = np.random.default_rng(1).normal(size=9)
    assert levels_of_rows(weights, 127) is None


@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("rows", [False, True], ids=["one step", "a step per row"])
@pytest.mark.parametrize("biased", [False, True])
def test_the_chip_has_the_levels_and_fires_alike(reset: str, decay: float, rows: bool, biased: bool):
    steps = np.random.default_rng(2).uniform(0.04, 0.2, (N, 1)) if rows else 0.0871
    weights = trained(steps, (N, N), 7)
    bias = np.random.default_rng(3).uniform(-0.2, 0.2, N).astype(np.float32) if biased else None
    graph = network(Lif(decay, form="sum", threshold=1.0, reset=reset), {"w": weights}, bias)
    layer, chip, expected, differing = fired(graph)
    assert expected > 1000
    assert differing == 0
    assert layer.weight_error == 0
    integers = chip.arrays(chip.nodes["w"])["weight"].astype(np.int64)
    scale = np.gcd.reduce(integers.ravel())
    assert np.array_equal(integers // scale, np.rint(weights / np.asarray(steps, np.float32)))


def test_without_steps_of_rows_thresholds_stay_those_of_the_population():
    """Where neurons are not programmable."""
    steps = np.random.default_rng(2).uniform(0.04, 0.2, (N, 1))
    graph = network(Lif(0.5, threshold=1.0), {"w": trained(steps, (N, N), 7)})
    assert separate_levels(graph, LOIHI1.arithmetic, False) is graph
    layer, chip, _, _ = fired(graph, LOIHI1)
    assert layer.weight_error > 0
    assert chip.nodes["s"].param("vth") is None


@pytest.mark.parametrize("comparator", [">=", ">"])
def test_as_many_steps_as_the_threshold_has_reach_it(comparator: str):
    """Ten times 0.1 is 1, whatever 0.1 and 0.3 are in floats."""
    weights = np.full((2, N), 0.1, np.float32)
    weights[:, 1::2] = 0.3
    weights[1] *= -1
    graph = network(Lif(0.0, form="sum", threshold=1.0, comparator=comparator), {"w": weights})
    x = np.zeros((STEPS, 1, N))
    x[0, 0, :10:2], x[1, 0, :4:2], x[1, 0, 1] = 1, 1, 1  # 0.5, then 0.5 more
    chip, report = quantize(graph, LOIHI2.arithmetic, {"x": x}, LOIHI2.features)
    s = interpret(chip, {"x": x.astype(np.int64)})["s"][:, 0, 0]
    assert s.tolist() == [0, int(comparator == ">="), *[0] * (STEPS - 2)]
    assert report.layers[-1].exact


@pytest.mark.parametrize(("times", "exact"), [(1.0, True), (0.25, True), (0.3, False)])
def test_two_matrices_share_a_step_up_to_powers_of_two(times: float, exact: bool):
    weights = {"w": trained(0.0871, (N, N), 7), "z": trained(0.0871 * times, (N, N), 7, seed=1)}
    layer, _, _, differing = fired(network(Lif(0.5, threshold=1.0), weights))
    assert (layer.weight_error == 0) == exact
    assert not (exact and differing)


@pytest.mark.parametrize("rows", [False, True])
def test_zeros_are_multiples_of_any_step(rows: bool):
    """As a residual branch whose last norm begins at zero: alone, and beside weights with a step or a step per row."""
    steps = np.random.default_rng(4).uniform(0.1, 0.4, (6, 1) if rows else ())
    zeros, some = np.zeros((6, N), np.float32), trained(steps, (6, N), 7)
    layer, chip, floats, differing = fired(network(Lif(0.5, threshold=1.0), {"zeros": zeros, "some": some}))
    assert (floats > 0, differing, layer.exact) == (True, 0, True)
    assert not chip.arrays(chip.nodes["zeros"])["weight"].any()
    weights = chip.arrays(chip.nodes["some"])["weight"].astype(int)
    assert np.array_equal(weights, np.rint(some / steps.astype(np.float32)) * weights[:, 1:2])
    _, chip, floats, differing = fired(network(Lif(0.5, threshold=1.0), {"zeros": zeros}))
    assert (floats, differing) == (0, 0)
    assert not chip.arrays(chip.nodes["zeros"])["weight"].any()


def test_zeros_of_another_form_take_no_steps_of_rows():
    """A convolution of one kernel, of zeros, onto what a matrix of six rows feeds: its rows are others."""
    b = GraphBuilder("net", STEPS)
    x = b.add(Input("spike[1x6]"), name="x")
    kernel = b.param("k", np.zeros((1, 1, 3), np.float32))
    steps = np.random.default_rng(4).uniform(0.1, 0.4, (6, 1))
    zeros = b.add(Conv((1,), (1,), (1,)), x, name="zeros", params={"weight": kernel})
    some = b.add(Linear(), x, name="some", params={"weight": b.param("w", trained(steps, (6, 6), 7))})
    _, _, floats, differing = fired(b.build({"s": b.add(Lif(0.5, threshold=1.0), zeros, some, name="s")}))
    assert floats > 0
    assert differing <= floats // 4


def test_a_matrix_that_feeds_two_populations_keeps_its_weights():
    b = GraphBuilder("net", STEPS)
    x = b.add(Input(f"spike[{N}]"), name="x")
    current = b.add(Linear(), x, name="w", params={"weight": b.param("w", trained(0.0871, (N, N), 7))})
    outputs = {name: b.add(Lif(0.5, threshold=1.0), current, name=name) for name in ("s", "r")}
    graph = b.build(outputs)
    assert separate_levels(graph, LOIHI2.arithmetic, True) is graph


def test_rows_are_followed_through_routing():
    """Kernels of four channels, whose currents arrive with their pixels first."""
    steps = np.random.default_rng(2).uniform(0.05, 0.2, (4, 1, 1, 1))
    b = GraphBuilder("net", STEPS)
    x = b.add(Input("spike[2x3x4]"), name="x")
    kernels = {"weight": b.param("w", trained(steps, (4, 2, 2, 2), 7))}
    y = b.add(Conv((1, 1), (0, 0), (1, 1)), x, name="conv", params=kernels)
    y = b.add(Permute((1, 0)), b.add(Reshape((4, 6)), y, name="flat"), name="turned")
    bias = b.param("b", np.array([0.1, -0.1, 0.2, 0.05], np.float32))
    graph = b.build({"s": b.add(Lif(0.5, threshold=0.7, v_reset=-0.1), y, name="s", params={"bias": bias})})
    layer, chip, expected, differing = fired(graph)
    assert (layer.weight_error, differing) == (0, 0)
    assert expected > 100
    assert chip.params[str(chip.nodes["s"].param("vth"))].shape == (1, 4)


def test_floats_of_64_bits_are_multiples_within_their_own_rounding():
    exact, near = 0.0871 * np.arange(-7, 8).reshape(5, 3), 0.0871 * np.arange(-7, 8).reshape(5, 3)
    near[0, 0] *= 1 + 1e-9
    assert levels_of(exact, 127) is not None
    assert levels_of(near, 127) is None
