"""A map gives every neuron a core, and every core a place of its own."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.mapping.core_map import CoreMap
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif


def network() -> Graph:
    builder = GraphBuilder("net", 2)
    x = builder.add(Input("spike[3]"), name="x")
    weight = builder.param("w", np.ones((4, 3), np.int8))
    current = builder.add(Linear(), x, name="l", params={"weight": weight})
    return builder.build({"y": builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="y")})


def test_a_map_of_all_neurons_on_two_chips():
    cores = CoreMap({"y": np.array([0, 0, 1, 1])}, np.array([[0, 0, 0], [1, 0, 0]]))
    cores.check(network())
    assert (cores.cores, cores.chips) == (2, 2)


@pytest.mark.parametrize(
    ("core_of", "places"),
    [
        ({"y": [0, 0, 1]}, [[0, 0, 0], [0, 1, 0]]),
        ({}, [[0, 0, 0]]),
        ({"y": [0, 0, 2, 2]}, [[0, 0, 0], [0, 1, 0], [0, 2, 0]]),
        ({"y": [0, 0, 1, 2]}, [[0, 0, 0], [0, 1, 0]]),
        ({"y": [0, 0, 1, 1]}, [[0, 0, 0], [0, 0, 0]]),
    ],
    ids=["too-few-neurons", "no-population", "empty-core", "no-place", "shared-place"],
)
def test_what_is_no_map_of_the_network_is_refused(core_of: dict[str, list[int]], places: list[list[int]]):
    cores = CoreMap({name: np.array(cores) for name, cores in core_of.items()}, np.array(places))
    with pytest.raises(CompileError, match=r"map\.cores"):
        cores.check(network())


def test_a_part_of_a_network_has_the_cores_that_it_is_on():
    """`y` is what the map calls `y_2`; what is on cores 0 and 2 alone is no part of it."""
    own = {"y": np.array([0, 2, 2, 0], np.int32), "y_2": np.array([3, 1, 1, 3], np.int32)}
    places = np.array([[0, k, 0] for k in range(4)], np.int32)
    part = CoreMap(own, places).of(network(), {"y": "y_2"})
    part.check(network())
    assert part.core_of["y"].tolist() == [1, 0, 0, 1]
    assert part.places.tolist() == [[0, 1, 0], [0, 3, 0]]
    assert CoreMap(own, places).of(network(), {"y": "unmapped"}).cores == 0
