"""Currents that no neuron has taken yet: scaled, routed and summed without a projection being built."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Provenance
from ir.lowerings.values import Current, Wire, narrowest, per_channel, routed_bias, summed_bias
from ir.ops import Expand, Permute, Reshape, Synapse

WIRE = Wire("x", Synapse(2.0), "w", Provenance("net"), factor=0.5)


def test_a_factor_goes_to_every_wire_and_the_constant():
    bias = np.array([[1.0, 2.0]], np.float32)
    scaled = Current((3, 2), (WIRE, WIRE), bias).scaled(-4.0)
    assert [wire.factor for wire in scaled.wires] == [-2.0, -2.0]
    assert (scaled.bias.dtype, scaled.bias.tolist()) == (np.float32, [[-4.0, -8.0]])
    assert scaled.shape == (3, 2)
    assert bias.tolist() == [[1.0, 2.0]]
    assert Current((3, 2), (WIRE,)).scaled(2.0).bias is None


def test_routing_is_appended_to_a_wire():
    first, second = Reshape((6,)), Reshape((3, 2))
    assert WIRE.routed(first).routed(second).routes == (first, second)
    assert WIRE.routes == ()


@pytest.mark.parametrize(
    ("bias", "shape"),
    [
        (np.ones((3, 2)), (1, 1)),
        (np.array([[1, 2], [1, 2]]), (1, 2)),
        (np.array([[1, 1], [2, 2]]), (2, 1)),
        (np.array([[1, 2], [2, 1]]), (2, 2)),
        (np.ones(()), ()),
    ],
)
def test_constants_are_kept_without_axes_along_which_they_are_equal(bias: np.ndarray, shape: tuple[int, ...]):
    cut = narrowest(bias)
    assert cut.shape == shape
    assert np.array_equal(np.broadcast_to(cut, bias.shape), bias)


def test_a_routed_constant_is_that_of_the_routed_current():
    bias = np.array([1.0, 2.0, 3.0])
    assert routed_bias(bias, (2, 3), Permute((1, 0))).tolist() == [[1], [2], [3]]
    assert routed_bias(bias[None], (1, 3), Expand((4, 3))).tolist() == [[1, 2, 3]]
    assert routed_bias(bias, (2, 3), Reshape((3, 2))).tolist() == [[1, 2], [3, 1], [2, 3]]


def test_constants_add_up_where_there_are_any():
    a, b = np.array([[1.0, 2.0]]), np.array([[10.0], [20.0]])
    assert summed_bias([None, a, None, b]).tolist() == [[11, 12], [21, 22]]
    assert summed_bias([None, a]) is a
    assert summed_bias([None]) is None
    assert summed_bias([]) is None


@pytest.mark.parametrize(("axis", "channels"), [(0, None), (1, [2.0, 3.0, 1.0])])
def test_factors_of_channels_are_alike_where_they_are_read(axis: int, channels: list[float] | None):
    factors = np.array([[2.0, 9.0, 1.0], [2.0, 3.0, 9.0]])
    read = factors != 9
    found = per_channel(factors, read, axis)
    assert (None if found is None else found.tolist()) == channels
    assert per_channel(factors, np.ones_like(read), axis) is None
    assert per_channel(factors, np.zeros_like(read), 0) is not None
