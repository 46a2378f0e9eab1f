"""Weights of quantisation-aware training: their levels are found whatever the step, and the chip's integers are these levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.analysis.limits import weight_bits
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear, Synapse
from ir.ops.shape import Permute, Reshape
from ir.quantize.gains.trained_levels import separate_levels
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


@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("rows", [False, True], ids=["one step", "a step per row"])
def test_weights_of_the_least_level_are_kept(reset: str, rows: bool):
    steps = np.random.default_rng(2).uniform(0.002, 0.005, (N, 1)) if rows else 0.0031
    weights = trained(steps, (N, N), 127)
    weights[::3, 2] = (np.broadcast_to(np.asarray(steps, np.float32), (N, 1))[::3, 0]) * -128
    layer, chip, expected, differing = fired(network(Lif(0.0, form="sum", reset=reset), {"w": weights}))
    assert (layer.weight_error, layer.saturated, layer.bits, differing) == (0, 0, 8, 0)
    assert expected > 100
    mantissas = chip.arrays(chip.nodes["w"])["weight"].astype(np.int64)
    assert np.array_equal(mantissas // np.gcd.reduce(mantissas.ravel()), np.rint(weights / np.float32(steps)))
    assert weight_bits(chip, chip.nodes["w"], True) == 8


def test_mirrored_weights_have_no_level_more():
    weights = trained(0.0031, (N, N), 127)
    weights[::3, 2] = np.float32(0.0031) * -128
    graph = network(Lif(0.0, form="sum", gain=-1.0), {"w": weights})
    assert separate_levels(graph, LOIHI2.arithmetic, True, own=False) is graph
    layer, chip, _, _ = fired(graph)
    assert 0 < layer.weight_error < 0.01
    assert weight_bits(chip, chip.nodes["w"], True) <= 8


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


@pytest.mark.parametrize("other", [0.1, 0.3, 0.25])
def test_a_skip_beside_weights_of_a_step_is_a_level(other: float):
    """Weights of -0.7 to 0.7 and one of 1, in steps of 0.1: ten of them; of 0.05, twenty beside 5 k."""
    b = GraphBuilder("net", STEPS)
    x = b.add(Input(f"spike[{N}]"), name="x")
    w = b.add(Linear(), x, name="w", params={"weight": b.param("w", trained(other, (N, N), 3))})
    skip = b.add(Synapse(), x, name="skip")
    graph = b.build({"s": b.add(Lif(0.5, threshold=1.03), w, skip, name="s")})
    layer, chip, expected, differing = fired(graph)
    assert (layer.weight_error, differing) == (0, 0)
    assert expected > 100
    most, one = chip.arrays(chip.nodes["w"])["weight"].max(), chip.nodes["skip"].op.attributes()["weight"]
    assert most / one == pytest.approx(3 * other)


@pytest.mark.parametrize(("times", "exact"), [(1.0, True), (0.25, True), (0.3, True), (1.5, True), (0.3017, False)])
def test_two_matrices_share_a_step(times: float, exact: bool):
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
    assert separate_levels(graph, LOIHI2.arithmetic, True, own=False) is graph


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


def drifting(reset: str, most: int) -> tuple[Graph, dict[str, Array]]:
    """Membranes that fall to hundreds of thresholds below zero in a long window, and need a coarse unit of v for that."""
    b, rng = GraphBuilder("net", 400, dtype="float64"), np.random.default_rng(0)
    levels = rng.integers(-most, most + 1, (N, N))
    levels[:, 0] = most
    steps = rng.uniform(0.3, 0.6, (N, 1)) / most
    x = b.add(Input(f"spike[{N}]"), name="x")
    current = b.add(Linear(), x, name="w", params={"weight": b.param("w", levels * steps)})
    b.add(Lif(0.0, form="sum", threshold=1.0, reset=reset), current, name="s")
    return b.build({"s": "s"}), {"x": (rng.random((400, 4, N)) < 0.3).astype(np.float64)}


@pytest.mark.parametrize("most", [7, 127])
def test_long_windows_leave_thresholds_fine(most: int):
    for reset, lost in (("value", 0.0), ("subtract", 0.004)):
        graph, inputs = drifting(reset, most)
        chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
        ours, floats = interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"], interpret(graph, inputs)["s"]
        assert report.layers[-1].weight_error == 0
        assert floats.sum() > 1000
        assert np.count_nonzero(ours != floats) <= lost * floats.sum()
