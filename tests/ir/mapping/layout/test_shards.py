"""Shards are blocks that fit, as large as that allows; finer ones have at least as many parts as are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.mapping.layout.shards import Sharding, numbered, shardings_of
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.split import split
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif
from ir.profile import Profile, Quantity

COMPILER = hw_profiles.load("loihi2-compiler")


def limited(**limits: int) -> Profile:
    table = {name: Quantity(value, "", "a test", "assumed") for name, value in limits.items()}
    return replace(COMPILER, tables={**COMPILER.tables, "limits": table})


def test_what_is_left_at_the_end_is_small():
    sharding = Sharding(np.arange(15).reshape(3, 5), 2, 3)
    assert sharding.parts == 4
    assert sharding.shards().reshape(3, 5).tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [2, 2, 2, 3, 3]]
    channels_first = Sharding(np.arange(6).reshape(2, 3).T, 2, 1)
    assert channels_first.shards().tolist() == [0, 0, 2, 1, 1, 3]


@pytest.mark.parametrize("parts", range(1, 41))
def test_finer_cuts_have_as_many_parts_as_are_asked_for(parts: int):
    sharding = Sharding(np.arange(36).reshape(12, 3), 6, 2)
    finer = sharding.finer(parts)
    assert finer.parts >= min(parts, 36)
    assert (finer.pixels <= 6, finer.channels <= 2) == (True, True)
    assert len(np.unique(finer.shards())) == finer.parts
    assert np.bincount(finer.shards()).max() <= finer.pixels * finer.channels
    assert (finer is sharding) == (parts <= 4)


def test_pixels_are_parted_before_channels():
    assert (
        Sharding(np.arange(36).reshape(12, 3), 6, 3).finer(12).shards().tolist() == np.repeat(np.arange(12), 3).tolist()
    )


def test_narrower_shards_have_fewer_channels_or_pixels_where_there_is_one():
    assert (
        Sharding(np.arange(12).reshape(2, 6), 2, 6).narrower(4).shards().reshape(2, 6).tolist()
        == [[0, 0, 1, 1, 2, 2]] * 2
    )
    assert Sharding(np.arange(6).reshape(6, 1), 6, 1).narrower(2).shards().tolist() == [0, 0, 0, 1, 1, 1]


def test_shards_are_as_large_as_fits():
    """100 neurons in cores of 30: the plain map has four of 25, and here 10 are left."""
    builder = GraphBuilder("dense", 1)
    x = builder.add(Input("spike[8]"), name="x")
    weight = builder.param("w", np.ones((100, 8), np.int8))
    current = builder.add(Linear(), x, name="l", params={"weight": weight})
    graph = builder.build({"y": builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="y")})
    profile = limited(neurons_per_core=30)
    counter, limits = LoadCounter(graph, profile), core_limits(profile)
    core_of, _ = split(counter, limits)
    assert np.bincount(core_of["y"]).tolist() == [25] * 4
    assert np.bincount(numbered(shardings_of(counter, core_of, limits))["y"]).tolist() == [30, 30, 30, 10]


def test_every_shard_fits_where_the_plain_blocks_do(chip_graph: Graph):
    profile = limited(neurons_per_core=12, axons_in_per_core=60, synapse_memory_per_core=600)
    counter, limits = LoadCounter(chip_graph, profile), core_limits(profile)
    core_of, loads = split(counter, limits)
    shards = numbered(shardings_of(counter, core_of, limits))
    assert counter.of(shards).over(limits) == {}
    every = np.concatenate([*shards.values()])
    assert np.array_equal(np.unique(every), np.arange(every.max() + 1))
    assert every.max() + 1 <= len(loads.neurons)
