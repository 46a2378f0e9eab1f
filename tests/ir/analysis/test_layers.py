"""The layer of a node is the population of the model that it feeds, through whatever the compiler put between."""

from __future__ import annotations

import numpy as np

from ir.analysis.layers import is_population_of_the_model, layer_of
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Lif, Linear, Past, Reshape, Synapse

MODEL = Provenance("net")
ADDED = MODEL.after("lower_to_synapses")


def network() -> Graph:
    """x -> a -> (gate, added) -> b, and b back to a; a probe that feeds nothing."""
    builder = GraphBuilder("net", 0)
    params = {"weight": builder.param("w", np.eye(2, dtype=np.float32))}
    x = builder.add(Input("spike[2]"), name="x")
    back = builder.add(Past("b", "spike[2]"), name="back")
    again = builder.add(Linear(), back, name="again", params=params, provenance=MODEL)
    first = builder.add(Linear(), x, name="first", params=params, provenance=MODEL)
    a = builder.add(Lif(0.5), first, again, name="a", provenance=MODEL)
    opened = builder.add(Synapse(), a, name="open", provenance=ADDED)
    gate = builder.add(Lif(1.0, form="sum"), opened, name="gate", provenance=ADDED)
    flat = builder.add(Reshape((2,)), gate, name="flat")
    second = builder.add(Linear(), flat, name="second", params=params, provenance=MODEL)
    b = builder.add(Lif(0.5), second, name="b", provenance=MODEL)
    alone = builder.add(
        Lif(1.0), builder.add(Synapse(), a, name="probe_in", provenance=ADDED), name="probe", provenance=ADDED
    )
    return builder.build({"b": b, "probe": alone})


def test_everything_belongs_to_the_population_that_it_feeds_first():
    layers = layer_of(network())
    assert layers == {
        **dict.fromkeys(("back", "again", "first", "a"), "a"),
        **dict.fromkeys(("open", "gate", "flat", "second", "b"), "b"),
    }
    assert list(layers) == ["back", "again", "first", "a", "open", "gate", "flat", "second", "b"], "layer by layer"


def test_what_feeds_several_populations_belongs_to_the_first_of_them():
    builder = GraphBuilder("net", 1)
    x = builder.add(Input("spike[2]"), name="x")
    shared = builder.add(Synapse(), x, name="shared")
    outputs = {name: builder.add(Lif(0.5), shared, name=name, provenance=MODEL) for name in ("first", "also")}
    assert layer_of(builder.build(outputs)) == {"shared": "first", "first": "first", "also": "also"}


def test_what_is_read_by_a_back_edge_only_belongs_to_what_that_feeds():
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("spike[2]"), name="x")
    back = builder.add(Past("relay", "spike[2]"), name="back")
    currents = [builder.add(Synapse(), source, name=f"{source}_in", provenance=MODEL) for source in (x, back)]
    a = builder.add(Lif(0.5), *currents, name="a", provenance=MODEL)
    relayed = builder.add(Synapse(), a, name="relay_in", provenance=ADDED)
    builder.add(Lif(1.0), relayed, name="relay", provenance=ADDED)
    assert set(layer_of(builder.build({"a": a})).values()) == {"a"}
    assert layer_of(builder.build({"a": a})).keys() == {"back", "x_in", "back_in", "a", "relay_in", "relay"}


def test_only_neurons_without_the_mark_of_a_pass_are_the_models():
    nodes = network().nodes
    assert [name for name, node in nodes.items() if is_population_of_the_model(node)] == ["a", "b"]
