"""Whose a node is, and what it needs, on networks small enough to count by hand; the published size is in `ir/lowerings`."""

from __future__ import annotations

import numpy as np

from ir.analysis.resources import DUPLICATE, NodeResources, is_added, node_resources, resource_totals
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Lif, Linear, Reshape, Sum, Synapse

MODEL = Provenance("block.q")
LOWERED = MODEL.after("lower_to_synapses")


def network() -> Graph:
    b = GraphBuilder("small", 1)
    x, a = b.add(Input("spike[2x3]"), name="x"), b.add(Input("graded<8>[2x3]"), name="a")
    weight = {"weight": b.param("w", np.ones((4, 3), np.float32))}
    q = b.add(Linear(), x, name="q", params=weight, provenance=MODEL)
    again = b.add(Linear(), x, name="again", params=weight, provenance=MODEL.after(DUPLICATE))
    fed = b.add(Synapse(), b.add(Reshape((6,)), a, name="flat"), name="fed", provenance=LOWERED)
    spikes = b.add(Lif(0.5), q, again, name="spikes", provenance=MODEL.after("quantize"))
    pairs = b.add(Lif(1.0), b.add(Synapse(), spikes, name="one", provenance=LOWERED), name="pairs", provenance=LOWERED)
    score = b.add(Sum((1,)), pairs, name="score", provenance=LOWERED)
    mean = b.add(Sum((0,)), spikes, name="mean", provenance=MODEL)
    relay = b.add(Synapse(), spikes, name="relay_in", provenance=MODEL.after("insert_relays"))
    outputs = {"score": b.add(Lif(0.5), score, name="s"), "mean": b.add(Lif(0.5), mean, name="m")}
    outputs |= {"fed": b.add(Lif(0.5), fed, name="f"), "late": b.add(Lif(0.5), relay, name="late")}
    return b.build(outputs)


def test_every_share_is_told_apart_and_counted():
    graph = network()
    rows = {row.node: row for row in node_resources(graph)}
    assert rows["q"] == NodeResources("q", "block.q", "own", neurons=0, synapses=24)
    assert rows["again"] == NodeResources("again", "block.q", "duplicate", neurons=0, synapses=24)
    assert rows["spikes"] == NodeResources("spikes", "block.q", "own", neurons=8, synapses=0)
    assert rows["fed"] == NodeResources("fed", "block.q", "input", neurons=0, synapses=6)
    assert rows["pairs"] == NodeResources("pairs", "block.q", "added", neurons=8, synapses=0)
    assert rows["score"] == NodeResources("score", "block.q", "added", neurons=0, synapses=8, matmul=8)
    assert rows["mean"] == NodeResources("mean", "block.q", "own", neurons=0, synapses=8)
    assert rows["relay_in"].share == "added"
    assert "flat" not in rows
    counted = resource_totals(rows.values())
    assert counted.synapses == {"own": 32, "duplicate": 24, "input": 6, "added": 24}
    assert counted.neurons == {"own": 8 + 2 + 4 + 6 + 8, "duplicate": 0, "input": 0, "added": 8}
    assert (counted.published_synapses, counted.dense_operations) == (32 + 24 + 8, 32 + 8)


def test_only_passes_that_add_nodes_make_them_added():
    node = network().nodes["spikes"]
    for passes, added in (
        ((), False),
        (("quantize", "merge_routing", "fold_batchnorm"), False),
        ((DUPLICATE,), False),
        (("lower_to_synapses", "attention=graded-a"), True),
        (("insert_relays",), True),
        (("lower_bound_of_a_pass_to_come",), False),
    ):
        assert is_added(type(node)(node.name, node.op, node.inputs, node.type, (), Provenance("m", passes))) == added
