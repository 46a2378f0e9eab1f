"""Grids of weights: whatever lies on them is found again by quantisation, which then rounds nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear, MaxPool
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.quantize.calibrated import calibrated
from ir.quantize.calibration import observe
from ir.quantize.grids import WeightGrid, weight_grids
from ir.quantize.network import quantize

LOIHI2 = hw_profiles.load("loihi2")
SPIKES = {"x": np.random.default_rng(0).integers(0, 2, (3, 64, 2, 4, 4)).astype(np.float64)}


def network(conv: np.ndarray, linear: np.ndarray, bias: float = 0.0) -> Graph:
    """A convolution, and a linear layer behind its spikes."""
    builder = GraphBuilder("net", 3, dtype="float64")
    x = builder.add(Input("spike[2x4x4]"), name="x")
    c = builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name="c", params={"weight": builder.param("conv", conv)})
    biases = {"bias": builder.param("bias", np.full((len(conv), 1, 1), bias))}
    first = builder.add(Lif(0.5), c, name="first", params=biases)
    y = builder.add(Linear(), first, name="l", params={"weight": builder.param("linear", linear)})
    return builder.build({"y": builder.add(Lif(0.5), y, name="second")})


def trained() -> tuple[np.ndarray, np.ndarray]:
    """Weights that lie on no grid; rows differ in size."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(5, 2, 3, 3)) * np.geomspace(0.1, 1.5, 5)[:, None, None, None], rng.normal(size=(7, 4))


def grids(graph: Graph, bits: int, *, programmable: bool = True) -> dict[str, WeightGrid]:
    arithmetic = replace(LOIHI2.arithmetic, weight_bits=bits)
    features = replace(LOIHI2.features, programmable_neurons=programmable)
    return weight_grids(calibrated(graph, observe(graph, SPIKES), arithmetic, features))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("programmable", [True, False])
def test_quantisation_finds_any_weights_on_the_grids_again(bits: int, programmable: bool):
    conv, linear = trained()
    table = grids(network(conv, linear), bits, programmable=programmable)
    rng, drawn = np.random.default_rng(2), dict[str, np.ndarray]()
    for name, like in (("conv", conv), ("linear", linear)):
        grid = table[name]
        assert grid.levels == (1 << (bits - 1)) - 1
        assert np.all(np.frexp(grid.steps)[0] == 0.5), "powers of two"
        assert (len(np.unique(grid.steps)) > 1) <= programmable
        mantissas = rng.integers(-grid.levels, grid.levels + 1, like.shape)
        mantissas[:, 0] = grid.levels
        drawn[name] = mantissas * grid.steps
    bias = table["conv"].bias_step * 5
    graph = network(drawn["conv"], drawn["linear"], bias)
    features = replace(LOIHI2.features, programmable_neurons=programmable)
    integers, report = quantize(graph, replace(LOIHI2.arithmetic, weight_bits=bits), SPIKES, features)
    assert all(layer.exact for layer in report.layers), [layer.limit for layer in report.layers]
    for layer, (name, node) in zip(report.layers, (("conv", "c"), ("linear", "l")), strict=True):
        np.testing.assert_array_equal(integers.arrays(integers.nodes[node])["weight"] * layer.unit, drawn[name])


def pooled(conv: np.ndarray, bias: float = 0.0) -> Graph:
    """A convolution, the maxima of its currents, and neurons that read them; lowered."""
    builder = GraphBuilder("pooled", 3, dtype="float64")
    x = builder.add(Input("spike[2x4x4]"), name="x")
    c = builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name="c", params={"weight": builder.param("conv", conv)})
    largest = builder.add(MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), c, name="pool")
    biases = {"bias": builder.param("bias", np.full((len(conv), 1, 1), bias))}
    graph = builder.build({"y": builder.add(Lif(0.5), largest, name="y", params=biases)})
    return lower_to_synapses(graph, LOIHI2.features, {})


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_weights_whose_currents_are_compared_are_found_again_too(bits: int):
    """Rounded to the nearest, ternary weights would be others."""
    grid, rng = grids(pooled(trained()[0]), bits)["conv"], np.random.default_rng(2)
    drawn = rng.integers(-grid.levels, grid.levels + 1, grid.weights.shape) * grid.steps
    graph = pooled(drawn, grid.bias_step * 5)
    integers, report = quantize(graph, replace(LOIHI2.arithmetic, weight_bits=bits), SPIKES, LOIHI2.features)
    assert all(layer.exact for layer in report.layers), [layer.limit for layer in report.layers]
    spikes = interpret(integers, {"x": SPIKES["x"].astype(np.int64)})["y"]
    assert np.any(spikes)
    np.testing.assert_array_equal(spikes, interpret(graph, SPIKES)["y"])


def test_dyadic_weights_lie_on_their_grid_already():
    """So that training, which moves weights on grids alone, leaves nothing to round there either."""
    conv = np.round(trained()[0] * 4) / 4
    for programmable in (True, False):
        grid = grids(network(conv, trained()[1]), 8, programmable=programmable)["conv"]
        np.testing.assert_array_equal(grid.rounded, conv)


@pytest.mark.parametrize("bits", [2, 4])
def test_every_row_has_the_step_at_which_its_current_is_least_off(bits: int):
    """Also below what holds its largest weight: of ternary weights, steps as large as that are too coarse."""
    conv, linear = trained()
    graph, rows = network(conv, linear), conv.reshape(len(conv), -1)
    products = calibrated(graph, observe(graph, SPIKES), LOIHI2.arithmetic).products["conv"]
    grid, top, cut_off = grids(graph, bits)["conv"], (1 << (bits - 1)) - 1, 0
    for rounded, step, floats in zip(grid.rounded.reshape(rows.shape), grid.steps.ravel(), rows, strict=True):
        off = (rounded - floats) @ products @ (rounded - floats)
        for other in (step / 2, step * 2):
            error = np.clip(np.rint(floats / other), -top, top) * other - floats
            assert off <= error @ products @ error
        cut_off += np.rint(np.abs(floats).max() / step) > top
    assert bits > 2 or cut_off > len(rows) / 2


def test_rows_of_zeros_make_no_bias_finer():
    """After training they ask for no unit as fine as theirs, and a bias below every unit would be rounded."""
    conv, linear = trained()
    conv[0] *= 1e-9
    grid = grids(network(conv, linear), 2)["conv"]
    assert not np.any(grid.rounded[0])
    assert grid.bias_step * 64 >= grid.steps[1:].min()


def test_weights_of_neurons_with_negative_gains_have_no_grid():
    """They are not those of the chip's graph."""
    builder = GraphBuilder("gains", 3, dtype="float64")
    x = builder.add(Input("spike[2x4x4]"), name="x")
    y = builder.add(Linear(), x, name="l", params={"weight": builder.param("linear", trained()[1])})
    gain = {"gain": builder.param("gain", np.where(np.arange(7) > 3, 1.0, -1.0))}
    assert grids(builder.build({"y": builder.add(Lif(0.5), y, name="y", params=gain)}), 4) == {}


def test_rounded_weights_are_on_the_grid_and_near_the_floats():
    conv, linear = trained()
    for name, grid in grids(network(conv, linear), 4).items():
        mantissas = grid.rounded / grid.steps
        np.testing.assert_array_equal(mantissas, np.rint(mantissas))
        assert np.abs(mantissas).max() == 7
        floats = {"conv": conv, "linear": linear}[name]
        assert np.sum((grid.rounded - floats) ** 2) < 0.02 * np.sum(floats**2)
