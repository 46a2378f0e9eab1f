"""The order of a graph's values: loops in one piece and after what they read, everything else once its operands are there."""

from __future__ import annotations

from backends.reference.plan.loop_blocks import ordered
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

LIF = IntegerLif(4095, 2048, 9, 6, 12, 24)


def two_loops() -> Graph:
    """x -> a <-> b -> c, c hears itself, and d hears c of the step before without closing anything."""
    b = GraphBuilder("loops", 0)
    x = b.add(Input("spike[2]"), name="x")
    late = b.add(Past("c", "spike[2]"), name="late")
    d = b.add(LIF, b.add(Synapse(), late, name="late_d"), name="d")
    back = b.add(Past("b", "spike[2]"), name="back")
    a = b.add(LIF, b.add(Synapse(), x, name="x_a"), b.add(Synapse(), back, name="b_a"), name="a")
    second = b.add(LIF, b.add(Synapse(), a, name="a_b"), name="b")
    own = b.add(Past("c", "spike[2]", 3), name="own")
    c = b.add(LIF, b.add(Synapse(), second, name="b_c"), b.add(Synapse(), own, name="c_c"), name="c")
    return b.build({"c": c, "d": d})


def test_a_graph_without_loops_keeps_its_order():
    b = GraphBuilder("chain", 1)
    x = b.add(Input("spike[2]"), name="x")
    y = b.add(LIF, b.add(Synapse(), x, name="s"), name="y")
    assert ordered(b.build({"y": y})) == (("x", "s", "y"), ())


def test_loops_are_blocks_with_what_they_read():
    graph = two_loops()
    order, blocks = ordered(graph)
    assert sorted(order) == sorted(graph.nodes)
    assert [block.names for block in blocks] == [{"back", "b_a", "a", "a_b", "b"}, {"own", "c_c", "c"}]
    assert [block.outside for block in blocks] == [("x_a",), ("b_c",)]
    assert [[node.name for node in block.nodes] for block in blocks] == [
        ["back", "b_a", "a", "a_b", "b"],
        ["own", "c_c", "c"],
    ]


def test_everything_comes_after_what_it_reads_and_loops_in_one_piece():
    graph = two_loops()
    order, blocks = ordered(graph)
    place = {name: index for index, name in enumerate(order)}
    loop_of = {name: block.names for block in blocks for name in block.names}
    for node in graph.nodes.values():
        for source in node.reads:
            assert place[source] < place[node.name] or source in loop_of.get(node.name, ()), (source, node.name)
    for block in blocks:
        places = [place[node.name] for node in block.nodes]
        assert places == list(range(places[0], places[0] + len(places)))
    assert place["c"] < place["late"] < place["d"], "a back edge that closes no loop is a delay"
