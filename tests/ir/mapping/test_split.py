"""The plain map keeps every limit with few cores, is the same every time, and places cores chip after chip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.split import Grid, layout, merge, places, plain_map, split
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif
from ir.profile import Profile, Quantity

COMPILER = hw_profiles.load("loihi2-compiler")


def limited(**limits: int) -> Profile:
    """Loihi 2 with these limits of its cores alone."""
    table = {name: Quantity(value, "", "a test", "assumed") for name, value in limits.items()}
    return replace(COMPILER, tables={**COMPILER.tables, "limits": table})


def dense(inputs: int, outputs: int) -> Graph:
    builder = GraphBuilder("dense", 1)
    x = builder.add(Input(f"spike[{inputs}]"), name="x")
    weight = builder.param("w", np.ones((outputs, inputs), np.int8))
    current = builder.add(Linear(), x, name="l", params={"weight": weight})
    return builder.build({"y": builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="y")})


TIGHT = [
    {"neurons_per_core": 7},
    {"axons_in_per_core": 60, "neurons_per_core": 30},
    {"synapse_memory_per_core": 400},
    {"axons_out_per_core": 60, "neurons_per_core": 20},
    {"delay_slots_per_core": 12, "neuron_groups_per_core": 1},
    {"neurons_per_core": 12, "axons_in_per_core": 60, "synapse_memory_per_core": 600, "axons_out_per_core": 90},
]


@pytest.mark.parametrize("limits", TIGHT, ids=[", ".join(each) for each in TIGHT])
def test_all_limits_are_kept_and_the_map_is_the_same_every_time(chip_graph: Graph, limits: dict[str, int]):
    profile = limited(**limits)
    cores = plain_map(chip_graph, profile)
    cores.check(chip_graph)
    assert LoadCounter(chip_graph, profile).of(cores.core_of).over(core_limits(profile)) == {}
    again = plain_map(chip_graph, profile)
    assert np.array_equal(cores.places, again.places)
    assert all(np.array_equal(on, again.core_of[name]) for name, on in cores.core_of.items())


def test_as_many_cores_as_the_binding_resource_needs():
    """100 neurons of 2,560 inputs: 15 of them take 4 words per axon, 10,240 of 12,000; halves would be 16 cores."""
    counter = LoadCounter(dense(2560, 100), COMPILER)
    assert np.bincount(split(counter, core_limits(COMPILER))[0]["y"]).tolist() == [15, 14, 14, 15, 14, 14, 14]


def test_without_limits_there_is_one_core(chip_graph: Graph):
    cores = plain_map(chip_graph, hw_profiles.load("ideal"))
    assert (cores.cores, cores.chips) == (1, 1)


def test_a_neuron_that_fits_nowhere_does_not_cut_its_layer_to_pieces():
    profile = limited(axons_in_per_core=50, neurons_per_core=8)
    assert plain_map(dense(51, 16), profile).cores == 2


def test_small_layers_share_a_core_and_large_ones_do_not():
    limits = {"neurons": 10}
    loads = LoadCounter(dense(1, 24), COMPILER).of({"y": np.repeat([0, 1, 2, 3], [6, 7, 4, 7])})
    core_of, cores = merge({"y": np.repeat([0, 1, 2, 3], [6, 7, 4, 7])}, loads, limits)
    assert cores == 3
    assert core_of["y"].tolist() == [0] * 6 + [1] * 7 + [0] * 4 + [2] * 7


def test_a_population_is_laid_out_by_what_shares_weights(chip_graph: Graph):
    counter = LoadCounter(chip_graph, COMPILER)
    shapes = {
        node.name: layout(counter, node).shape for node in chip_graph.nodes.values() if node.op.family == "neuron"
    }
    assert (
        shapes
        == {
            "dense": {"a": (1, 5), "b": (1, 300)},
            "tokens": {"q": (4, 6), "k": (4, 6), "gate": (24, 1), "total": (6, 1), "out": (8, 2)},
            "convolutions": {"a": (20, 4), "b": (20, 6), "c": (6, 3), "out": (1, 5)},
            "recurrent": {"a": (1, 5), "b": (1, 5), "out": (5, 1)},
            "micro": {"a": (4, 1), "b": (4, 1)},
            "bursts": {"a": (3, 1), "b": (3, 1), "c": (3, 1)},
        }[chip_graph.name]
    )


def test_a_grid_has_equal_blocks_and_becomes_finer():
    grid = Grid(np.arange(12).reshape(4, 3), pixel_parts=2, channel_parts=3)
    assert grid.blocks().reshape(4, 3).tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert [grid.finer(1.1).parts, grid.finer(9).parts] == [9, 12]
    assert replace(grid, pixel_parts=4).finer(2).parts == 12


def test_cores_lie_row_by_row_chip_after_chip():
    found = places(300, hw_profiles.load("loihi1")).tolist()
    assert [found[0], found[1], found[16], found[127], found[128], found[299]] == [
        [0, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 15, 7],
        [1, 0, 0],
        [2, 11, 2],
    ]
    assert places(5, hw_profiles.load("ideal")).tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [0, 1, 1]]
