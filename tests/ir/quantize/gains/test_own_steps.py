"""Rows of float weights get steps of their own: how fine they are, where the threshold lies between them, and what they are worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Gather, Input, Lif, Linear, Synapse
from ir.quantize.gains.own_steps import FINE, own_steps
from ir.quantize.gains.trained_levels import in_own_steps
from ir.quantize.network import quantizable, quantize

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
STEPS, SAMPLES, N = 60, 16, 24


def spikes() -> dict[str, Array]:
    return {"x": (np.random.default_rng(1).random((STEPS, SAMPLES, N)) < 0.3).astype(np.float64)}


def matrix(rows: int = 32, spread: float = 0.2, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(0, spread, (rows, N)).astype(np.float32)


def layer(op: Lif, *weights: Array, bias: Array | None = None, synapse: bool = False) -> Graph:
    b = GraphBuilder("net", STEPS)
    x = b.add(Input(f"spike[{N}]"), name="x")
    wires = [b.add(Linear(), x, name=f"w{n}", params={"weight": b.param(f"w{n}", w)}) for n, w in enumerate(weights)]
    wires += [b.add(Synapse(0.3), x, name="skip")] if synapse else []
    b.add(op, *wires, name="s", params={} if bias is None else {"bias": b.param("b", bias)})
    return b.build({"s": "s"})


def wrong(graph: Graph, floats: Graph, profile: Any = LOIHI2) -> Array:
    """Spikes that fire in the floats, and those of them that the integers of `graph` lose, and add."""
    inputs = spikes()
    chip, _ = quantize(graph, profile.arithmetic, inputs, profile.features)
    ours = interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"] > 0
    wanted = interpret(floats, inputs)["s"] > 0
    return np.array([wanted.sum(), (wanted & ~ours).sum(), (ours & ~wanted).sum()])


def test_a_step_is_as_fine_as_its_row_allows_and_the_threshold_lies_between_two():
    weights = matrix() * np.logspace(-2, 1, 32, dtype=np.float32)[:, None]
    steps = own_steps([weights], 1.0, np.zeros(32), 127).astype(np.float64)
    largest = np.abs(weights).max(axis=1) / steps
    parts = 1.0 / steps
    fine = parts > FINE
    assert fine.any()
    assert not fine.all()
    assert largest[fine].min() > 127 * (1 - 1.5 / FINE)
    assert largest[fine].max() < 127.5
    np.testing.assert_allclose(parts[fine] % 1, 0.5, atol=0.02)
    np.testing.assert_allclose(np.rint(parts[~fine & (parts > 0.9)]), parts[~fine & (parts > 0.9)], atol=1e-3)
    assert np.all(parts < np.rint(2 * parts) / 2), "so many steps reach it"


def test_rows_without_weights_and_rows_without_room_have_coarser_steps():
    weights = np.stack([np.zeros(N), np.full(N, 1e-6), matrix()[0]]).astype(np.float32)
    steps = own_steps([weights], 1.0, np.full(3, 1e-4), 127)
    assert np.all(steps >= 1e-4)
    assert steps[0] == pytest.approx(steps[2], rel=0.02)


def test_few_levels_cut_the_largest_weights_off():
    """Against a search of all steps: ternary rows cost little more than the least, which cuts."""
    weights = matrix(8, seed=3)
    found = own_steps([weights], 1e3, np.zeros(8), 1)
    tried = np.abs(weights).max(axis=1) * np.linspace(0.1, 1, 200)[:, None]

    def cost(steps: Array) -> Array:
        multiples = np.abs(weights) / steps[:, None]
        cut = np.rint(multiples) > 1
        return np.sum(np.where(cut, 3, 1) * ((np.minimum(np.rint(multiples), 1) - multiples) * steps[:, None]) ** 2, 1)

    best = np.min([cost(each) for each in tried], axis=0)
    assert np.all(cost(found) < 1.25 * best)
    assert np.all(found < np.abs(weights).max(axis=1)), "something is cut off everywhere"


def test_integers_are_the_weights_over_their_steps_and_thresholds_the_odd_halves():
    graph = layer(Lif(0.0, form="sum"), matrix())
    chip, report = quantize(graph, LOIHI2.arithmetic, spikes(), LOIHI2.features)
    steps = own_steps([matrix()], 1.0, np.zeros(32), 127)
    integers = chip.arrays(chip.nodes["w0"])["weight"].astype(np.float64)
    assert report.layers[0].unit == 0.5, "of a step"
    assert np.max(np.abs(integers / 2 - matrix() / steps[:, None])) < 3, "together, most to the nearest"
    assert report.layers[0].weight_error < 0.01
    np.testing.assert_array_equal(chip.arrays(chip.nodes["s"])["vth"] + 1, np.rint(2 / steps))


@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("spread", [0, 5], ids=["rows alike", "rows five decades apart"])
def test_no_rounding_by_hand_is_better(reset: str, decay: float, spread: int):
    """Rows to the nearest of 127 parts of their largest weight, which are kept as they are, lose more."""
    op, ours, theirs = Lif(decay, form="sum", reset=reset), np.zeros(3), np.zeros(3)
    for seed in range(4):
        scale = 10 ** (np.random.default_rng(seed).uniform(-1, 1, (32, 1)) * spread / 2)
        weights = (matrix(seed=seed) * scale).astype(np.float32)
        largest = np.abs(weights).max(axis=1, keepdims=True) / np.float32(127)
        nearest = (np.rint(weights / largest) * largest).astype(np.float32)
        floats = layer(op, weights)
        ours += wrong(floats, floats)
        theirs += wrong(layer(op, nearest), floats)
    assert ours[0] > 3000
    assert ours[1:].sum() <= theirs[1:].sum()


def test_as_many_spikes_come_too_early_as_too_late():
    _, lost, added = sum(
        wrong(floats, floats) for floats in (layer(Lif(0.0, form="sum"), matrix(64, seed=s)) for s in range(6))
    )
    assert min(lost, added) > 50
    assert 0.8 < lost / added < 1.25


def test_matrices_into_the_same_neurons_share_the_steps_of_their_rows():
    graph = layer(Lif(0.5), matrix(), matrix(spread=0.02, seed=1), bias=np.linspace(-0.1, 0.1, 32, dtype=np.float32))
    apart = quantizable(graph, LOIHI2.arithmetic, LOIHI2.features)
    assert all(in_own_steps(apart.nodes[name]) for name in ("w0", "w1"))
    fired, lost, added = wrong(graph, graph)
    assert lost + added < 0.02 * fired


@pytest.mark.parametrize("times", [30, 130, 200, 600])
@pytest.mark.parametrize(("decay", "reset"), [(0.3, "value"), (0.0, "subtract"), (0.0, "none")])
def test_weights_of_many_thresholds_are_not_cut_off(times: float, decay: float, reset: str):
    """Excitation and inhibition beyond 127 thresholds cancel as in the floats; none of them becomes a threshold of nothing."""
    weights = matrix(16)
    graph = layer(Lif(decay, form="sum", reset=reset), (weights * times / np.abs(weights).max()).astype(np.float32))
    fired, lost, added = wrong(graph, graph)
    assert fired > 1000
    assert lost + added < 0.01 * fired + 5


def test_neurons_that_nothing_reaches_are_silent():
    b = GraphBuilder("net", STEPS)
    x = b.add(Input(f"spike[{N}]"), name="x")
    small = b.param("w", matrix(16) * np.float32(0.01))
    current = b.add(Linear(), x, name="w", params={"weight": small})
    padded = b.add(Gather(0, (*range(16), -1, -1)), current, name="padded")
    graph = b.build({"s": b.add(Lif(0.1, threshold=0.01, form="sum"), padded, name="s")})
    fired, lost, added = wrong(graph, graph)
    assert fired > 100
    assert lost + added < 0.1 * fired


def test_one_neuron_has_a_bias_without_dimensions():
    graph = layer(Lif(0.5), matrix(1), bias=np.float32(0.9))
    fired, lost, added = wrong(graph, graph)
    assert fired > 50
    assert lost + added <= 0.05 * fired


def test_exponents_that_are_few_are_not_spent_twice():
    weights = matrix()
    weights[3] *= 1e-5
    graph = layer(Lif(0.0, form="sum"), weights)
    for most in (1, 2, 4):
        narrow = replace(LOIHI2.arithmetic, weight_exponent_max=most)
        (report,) = quantize(graph, narrow, spikes(), LOIHI2.features)[1].layers
        assert report.saturated == 0
        assert report.weight_error < 0.01


def test_one_matrix_of_two_populations_has_the_steps_of_each():
    b = GraphBuilder("net", STEPS)
    x, weight = b.add(Input(f"spike[{N}]"), name="x"), b.param("w", matrix())
    for name, threshold in (("s", 1.0), ("t", 1.3)):
        current = b.add(Linear(), x, name=f"w_{name}", params={"weight": weight})
        b.add(Lif(0.1, threshold=threshold, form="sum"), current, name=name)
    apart = quantizable(b.build({"s": "s", "t": "t"}), LOIHI2.arithmetic, LOIHI2.features)
    assert all(in_own_steps(apart.nodes[name]) for name in ("w_s", "w_t"))
    assert len({apart.nodes[name].param("weight") for name in ("w_s", "w_t")}) == 2


def test_kernels_have_a_step_per_output_channel():
    b = GraphBuilder("net", 4)
    x = b.add(Input("spike[2x6x6]"), name="x")
    kernel = np.random.default_rng(0).normal(0, 0.2, (5, 2, 3, 3)).astype(np.float32)
    conv = b.add(Conv((1, 1), (1, 1), (1, 1), 1), x, name="c", params={"weight": b.param("k", kernel)})
    graph = b.build({"s": b.add(Lif(0.5), conv, name="s")})
    gains = quantizable(graph, LOIHI2.arithmetic, LOIHI2.features)
    np.testing.assert_allclose(
        gains.arrays(gains.nodes["s"])["gain"].ravel(), own_steps([kernel], 2.0, np.zeros(5), 127), rtol=1e-5
    )


@pytest.mark.parametrize(
    "graph",
    [
        layer(Lif(0.5), np.random.default_rng(0).integers(-5, 6, (32, N)) / np.float32(8)),
        layer(Lif(0.5), matrix(N), synapse=True),
        layer(Lif(0.5, v0=1e9), matrix()),
    ],
    ids=["on a grid", "beside a synapse of all", "a start that leaves no room"],
)
def test_what_keeps_the_steps_that_it_has(graph: Graph):
    assert not any(in_own_steps(each) for each in quantizable(graph, LOIHI2.arithmetic, LOIHI2.features).nodes.values())


def test_chips_whose_neurons_share_a_threshold_have_one_unit_for_all_rows():
    graph = layer(Lif(0.5), matrix())
    for features in (LOIHI1.features, replace(LOIHI2.features, programmable_neurons=False)):
        assert quantizable(graph, LOIHI2.arithmetic, features) is graph
    assert quantizable(graph, LOIHI2.arithmetic, LOIHI2.features, own_steps=False) is graph
