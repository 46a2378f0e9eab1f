"""Layers of a small chip network by hand: what is the population's own, what lowering added, and how often it fires."""

from __future__ import annotations

import numpy as np

from backends.trace import Events
from compile.measure.layers import LayerSummary, layer_summaries
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Linear, Synapse
from ir.ops.integer_neuron import IntegerLif
from ir.passes.lower_to_synapses import PASS

NEURON = IntegerLif(4095, 0, 1, 6, 12, 24)


def network() -> Graph:
    """x (3) -> a (2), then a AND a added by lowering (2), then b (4)."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[3]"), name="x")
    first, second = b.param("f", np.ones((2, 3), np.int8)), b.param("s", np.ones((4, 2), np.int8))
    a = b.add(NEURON, b.add(Linear(), x, name="la", params={"weight": first}), name="a", provenance=Provenance("m.a"))
    added = Provenance("m.mask", (PASS, "mask=and"))
    ways = [b.add(Synapse(), a, name=name, provenance=added) for name in ("s1", "s2")]
    gate = b.add(NEURON, *ways, name="and", provenance=added)
    current = b.add(Linear(), gate, name="lb", params={"weight": second}, provenance=Provenance("m.lb"))
    return b.build({"y": b.add(NEURON, current, name="b", provenance=Provenance("m.b"))})


def test_a_layer_is_a_population_of_the_model_with_all_that_feeds_it():
    events = Events(5, 2, {"a": 6, "b": 10}, {}, {})
    assert layer_summaries(network(), events, {"b": "Linear, LIFNode"}) == (
        LayerSummary("a", "m.a", "", neurons=2, added_neurons=0, synapses=6, added_synapses=0, rate=6 / (2 * 2 * 5)),
        LayerSummary(
            "b",
            "m.b",
            "Linear, LIFNode",
            neurons=4,
            added_neurons=2,
            synapses=8,
            added_synapses=4,
            rate=10 / (4 * 2 * 5),
        ),
    )


def test_a_population_that_never_fired_and_a_run_without_samples():
    assert [layer.rate for layer in layer_summaries(network(), Events(5, 2), {})] == [0, 0]
    assert [layer.rate for layer in layer_summaries(network(), Events(0, 0), {})] == [0, 0]
