"""Counts from outside on chips with and without payloads: the same spikes, and each spike of a count is one."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.deployment import Deployment
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.lowerings.encode_counts import encode_counts
from ir.ops import Add, Input, Lif, Linear
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.passes.split_host import split_host
from ir.verify import verify

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")


def block(largest: int) -> Graph:
    """A residual block on counts: x + spikes, behind a layer that reads x."""
    rng, b = np.random.default_rng(largest), GraphBuilder("net", 3)
    x = b.add(Input(f"count<{largest}>[6]"), name="x")

    def projected(value: str, name: str) -> str:
        weight = rng.integers(-8, 9, (6, 6)).astype(np.float32) / 8
        return b.add(Linear(), value, name=name, params={"weight": b.param(f"{name}.w", weight)})

    first = b.add(Lif(0.5), projected(x, "a"), name="first")
    last = b.add(Lif(0.5), projected(b.add(Add(), x, first, name="sum"), "b"), name="last")
    return b.build({"last": last})


def test_payloads_stay_what_they_are():
    graph = block(2)
    assert encode_counts(graph, LOIHI2.features) is graph


@pytest.mark.parametrize("largest", [2, 3, 7])
def test_spikes_without_payloads_are_the_count(largest: int):
    graph = block(largest)
    split = split_host(encode_counts(graph, LOIHI1.features))
    assert [str(node.type) for node in split.chip.inputs] == [f"spike[{largest}x6]"]
    chip = lower_to_synapses(split.chip, LOIHI1.features, {})
    verify(chip, "synaptic")
    counts = np.random.default_rng(0).integers(0, largest + 1, (3, 20, 6)).astype(np.float32)
    handed = interpret(split.prologue, {"x": counts})
    (levels,) = handed.values()
    assert np.array_equal(levels.sum(axis=2), counts)
    found = interpret(chip, Deployment(split.prologue, chip, split.epilogue).encode(handed))
    assert np.array_equal(found["last"], interpret(graph, {"x": counts})["last"])
