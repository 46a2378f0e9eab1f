"""A graph keeps what it computes, whichever window it is told in."""

from __future__ import annotations

import numpy as np

from ir.analysis.windows import in_window, windows_of_neurons
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, FoldTime, Input, Lif, Past, TimeSum
from ir.ops.host.time import UnfoldTime
from ir.ops.shape import Repeat
from ir.text import graph_text, parse_graph
from ir.verify import verify


def _two_windows() -> Graph:
    """Branches of 4 and 8 steps, the longer one a loop, joined in a window of its own."""
    builder = GraphBuilder("net", 4)
    x, y = builder.add(Input("real[3]"), name="x"), builder.add(Input("real[3] T=8"), name="y")
    a = builder.add(Lif(0.5), x, name="a")
    past = builder.add(Past("b", "spike[3] T=8"), name="past")
    b = builder.add(Lif(0.5), y, past, name="b")
    total = builder.add(TimeSum(), a, name="total")
    c = builder.add(Lif(0.5), builder.add(Add(), b, total, name="both"), name="c")
    steps = builder.add(UnfoldTime(0), builder.add(FoldTime(4), a, name="folded"), name="steps")
    again = builder.add(Repeat(2), total, name="again")
    return builder.build({"a": a, "c": c, "steps": steps, "again": again})


def _fed() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: 2 * random.random((steps, 2, 3)) for name, steps in (("x", 4), ("y", 8))}


def test_every_value_keeps_its_window() -> None:
    graph = _two_windows()
    assert [str(node.type) for node in graph.nodes.values()][:5] == [
        "real[3]",
        "real[3] T=8",
        "spike[3]",
        "spike[3] T=8",
        "spike[3] T=8",
    ]
    expected = interpret(graph, _fed())
    assert {name: len(value) for name, value in expected.items()} == {"a": 4, "c": 8, "steps": 4, "again": 2}
    assert np.array_equal(expected["again"], np.repeat(expected["a"].sum(0, keepdims=True), 2, axis=0))
    for steps in (8, 5):
        other = in_window(graph, steps)
        verify(other, "source")
        assert other.steps == steps
        assert windows_of_neurons(other) == windows_of_neurons(graph) == {"a": 4, "b": 8, "c": 8}
        for name, value in interpret(other, _fed()).items():
            assert np.array_equal(value, expected[name]), name
        assert in_window(other, 4) == graph
        assert parse_graph(graph_text(other), other.params) == other
    assert in_window(graph, 4) is graph


def test_a_loop_in_a_window_of_its_own_is_the_same_loop() -> None:
    fed = {"y": _fed()["y"]}
    builder = GraphBuilder("loop", 8)
    y = builder.add(Input("real[3]"), name="y")
    past = builder.add(Past("b", "spike[3]"), name="past")
    alone = builder.build({"b": builder.add(Lif(0.5), y, past, name="b")})
    whole = _two_windows()
    watched = dict[str, np.ndarray]()
    interpret(whole, _fed(), lambda node, value: watched.update({node.name: value}))
    assert np.array_equal(watched["b"], interpret(alone, fed)["b"])
