"""Projections and populations, seen through routing on both sides."""

from __future__ import annotations

import numpy as np

from ir.analysis.wiring import behind_routing, wiring_of
from ir.graph import GraphBuilder
from ir.ops import Concat, Gate, Input, Lif, Linear, Reshape, Slice, Synapse


def network():
    b = GraphBuilder("g", 1)
    x, y = b.add(Input("spike[2]"), name="x"), b.add(Input("spike[2]"), name="y")
    joined = b.add(Reshape((4,)), b.add(Concat(0), x, y, name="join"), name="flat")
    both = b.add(Linear(), joined, name="both", params={"weight": b.param("w", np.ones((4, 4), np.float32))})
    first = b.add(Lif(0.5), b.add(Slice(0, 0, 2), both, name="c0"), b.add(Synapse(), x, name="s"), name="first")
    opened = b.add(Synapse(), first, name="open")
    gate = b.add(Gate(8), b.add(Slice(0, 2, 4), both, name="c1"), opened, name="gate")
    return b.build({"y": gate})


def test_wiring_of_a_joined_and_cut_projection():
    wiring = wiring_of(network())
    assert dict(wiring.feeds) == {"first": (("both",), ("s",)), "gate": (("both",), ("open",))}
    assert dict(wiring.sources) == {"both": ("x", "y"), "s": ("x",), "open": ("first",)}
    assert dict(wiring.targets) == {"both": ("first", "gate"), "s": ("first",), "open": ("gate",)}
    assert wiring.readers("x") == ("both", "s")


def test_enabling_projections_carry_no_payload():
    graph = network()
    wiring = wiring_of(graph)
    assert wiring.projections("gate") == ("both", "open")
    assert wiring.payload_projections(graph.nodes["gate"]) == ("both",)


def test_a_node_that_routes_nothing_is_its_own_origin():
    assert behind_routing(network(), "first") == ("first",)
    assert behind_routing(network(), "flat") == ("x", "y")
