"""Sums of more inputs than a core takes become partial sums, which are the same sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.analysis.resources import node_resources, resource_totals
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.mapping.fit import fit
from ir.mapping.loads import LoadCounter
from ir.mapping.split import plain_map
from ir.ops import Conv, Input, Linear, Sum
from ir.ops.integer_neuron import IntegerLif
from ir.passes.split_fan_in import PASS, split_fan_in
from ir.profile import Profile, Quantity
from ir.verify import verify

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")


def limited(profile: Profile, axons: int) -> Profile:
    """A profile with so many input axons per core, one for each neuron of a convolution, too."""
    memory = {**profile.tables["synapse_memory"], "shared_axons": Quantity(False, "flag", "a test", "assumed")}
    limits = {**profile.tables["limits"], "axons_in_per_core": Quantity(axons, "axon", "a test", "assumed")}
    return replace(profile, tables={**profile.tables, "limits": limits, "synapse_memory": memory})


def dense(builder: GraphBuilder, x: str) -> list[str]:
    weight = np.random.default_rng(0).integers(-9, 9, (4, 30)).astype(np.int16)
    return [builder.add(Linear(), x, name="wide", params={"weight": builder.param("w", weight)})]


def convolution(builder: GraphBuilder, x: str) -> list[str]:
    weight = np.random.default_rng(1).integers(-9, 9, (3, 6, 2, 2)).astype(np.int16)
    op = Conv((1, 1), (1, 1), (1, 1))
    return [builder.add(op, x, name="wide", params={"weight": builder.param("w", weight)})]


def total(builder: GraphBuilder, x: str) -> list[str]:
    return [builder.add(Sum((0, 1)), x, name="wide")]


def several(builder: GraphBuilder, x: str) -> list[str]:
    """Each fits, all together do not."""
    names = "ab"
    weights = [np.random.default_rng(k).integers(-9, 9, (4, 9)).astype(np.int16) for k in range(2)]
    inputs = [x, builder.add(Input("spike[9]"), name="other")]
    return [
        builder.add(Linear(), each, name=name, params={"weight": builder.param(f"w{name}", weight)})
        for each, name, weight in zip(inputs, names, weights, strict=True)
    ]


NETWORKS: dict[str, tuple[str, Callable[[GraphBuilder, str], list[str]], int, int]] = {
    "dense": ("spike[30]", dense, 10, 12),
    "convolution": ("spike[6x3x3]", convolution, 15, 2 * 48),
    "sum": ("graded<8>[20x2x3]", total, 15, 9),
    "several": ("spike[9]", several, 10, 4),
}
"""Name -> type of the input, the projections, axons per core, relays."""


def network(name: str) -> Graph:
    kind, projections, _, _ = NETWORKS[name]
    builder = GraphBuilder(name, 3)
    x = builder.add(Input(kind), name="x")
    neurons = IntegerLif(4095, 2048, 40 if name in ("dense", "sum") else 10, 6, 12, 24)
    return builder.build({"y": builder.add(neurons, *projections(builder, x), name="y")})


@pytest.mark.parametrize("name", NETWORKS)
def test_partial_sums_are_the_same_sum(name: str):
    graph, (_, _, axons, relays) = network(name), NETWORKS[name]
    profile = limited(LOIHI2, axons)
    assert list(fit(graph, profile, plain_map(graph, profile)).misfits)
    split = split_fan_in(graph, profile)
    verify(split, "quantized")
    assert list(fit(split, profile, plain_map(split, profile)).misfits) == []
    assert all(
        LoadCounter(split, profile).alone(node.name)["axons_in"] <= axons
        for node in split.nodes.values()
        if node.op.family == "neuron"
    )
    added = [node for node in split.nodes.values() if node.op.kind == "graded"]
    assert sum(node.type.size for node in added) == relays
    assert all(PASS in node.provenance.passes for node in added)
    own = [resource_totals(node_resources(each)).synapses["own"] for each in (graph, split)]
    assert own[0] == own[1]
    rng = np.random.default_rng(0)
    inputs = {node.name: rng.integers(0, 2, (3, 5, *node.type.shape)) for node in graph.inputs}
    before, after = interpret(graph, inputs)["y"], interpret(split, inputs)["y"]
    assert np.array_equal(before, after)
    assert 0 < np.mean(before) < 1


def test_what_fits_stays_the_same_graph():
    graph = network("dense")
    assert split_fan_in(graph, limited(LOIHI2, 30)) is graph
    assert split_fan_in(graph, hw_profiles.load("ideal")) is graph


def test_a_chip_without_graded_spikes_has_no_relays():
    graph, profile = network("dense"), limited(LOIHI1, 10)
    assert split_fan_in(graph, profile) is graph
    (violation,) = list(fit(graph, profile, plain_map(graph, profile)).misfits)
    assert (violation.rule, violation.node, violation.number, violation.limit) == ("map.axons-in", "y", 30, 10)
    assert violation.what == "%y needs 30 input axons on one core, 3 times the limit 10"


def test_what_payloads_cannot_hold_is_left_alone():
    narrow = {**LOIHI2.tables["arithmetic"], "payload_bits": Quantity(6, "bit", "a test", "assumed")}
    profile = limited(replace(LOIHI2, tables={**LOIHI2.tables, "arithmetic": narrow}), 10)
    graph = network("dense")
    assert split_fan_in(graph, profile) is graph


@pytest.mark.parametrize("memory", [1, 3])
def test_a_core_without_room_for_a_list_is_left_to_the_check_of_the_map(memory: int):
    """Loihi 2 stores lists in words of four bytes."""
    limits = {**LOIHI2.tables["limits"], "synapse_memory_per_core": Quantity(memory, "byte", "a test", "assumed")}
    profile, chip = replace(LOIHI2, tables={**LOIHI2.tables, "limits": limits}), network("dense")
    assert split_fan_in(chip, profile) is chip
    assert {misfit.rule for misfit in fit(chip, profile, plain_map(chip, profile)).misfits} == {"map.synapse-memory"}
