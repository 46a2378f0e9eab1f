"""Grids of weights: whatever lies on them is found again by quantisation, which then rounds nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.ops import Conv, Input, Lif, Linear
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


def test_dyadic_weights_lie_on_their_grid_already():
    """So that training, which moves weights on grids alone, leaves nothing to round there either."""
    conv = np.round(trained()[0] * 4) / 4
    for programmable in (True, False):
        grid = grids(network(conv, trained()[1]), 8, programmable=programmable)["conv"]
        np.testing.assert_array_equal(grid.rounded, conv)


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
