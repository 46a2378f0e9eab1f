"""Rewriting asks a rule about every node, once and in order; a graph that no rule changes is returned itself."""

from __future__ import annotations

import numpy as np

from ir.graph import Graph, GraphBuilder, Node, Provenance
from ir.interpreter import interpret
from ir.lowerings.rewriter import Rewriter
from ir.ops import Add, Input, Linear, Scale


def graph() -> Graph:
    builder = GraphBuilder("net", 1, dtype="float64")
    x = builder.add(Input("real[2]"), name="x")
    a = builder.add(Scale(2.0), x, name="a", provenance=Provenance("net.a", ("before",)))
    weight = builder.param("w", np.eye(2))
    b = builder.add(Linear(), a, name="b", params={"weight": weight}, provenance=Provenance("net.b"))
    return builder.build({"y": builder.add(Add(), a, b, name="c"), "a": a})


def test_no_change_is_the_very_same_graph():
    source, asked = graph(), list[str]()

    def rule(rewriter: Rewriter, node: Node) -> None:
        asked.append(node.name)

    assert Rewriter(source, "nothing").run(rule) is source
    assert asked == list(source.nodes)


def test_what_a_rule_returns_replaces_the_node_for_all_its_readers():
    source = graph()

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        if node.name != "a":
            return None
        provenance = node.provenance.after(rewriter.pass_name)
        first = rewriter.builder.add(Scale(6.0), *rewriter.inputs(node), name="first", provenance=provenance)
        return rewriter.builder.add(Scale(0.5), first, name="a", provenance=provenance)

    rewritten = Rewriter(source, "tripled").run(rule)
    assert list(rewritten.nodes) == ["x", "first", "a", "b", "c"]
    assert rewritten.nodes["c"].inputs == ("a", "b")
    assert dict(rewritten.outputs) == {"y": "c", "a": "a"}
    assert rewritten.nodes["a"].provenance == Provenance("net.a", ("before", "tripled"))
    assert rewritten.nodes["b"] == source.nodes["b"], "copied with name, parameters and provenance"
    assert (rewritten.name, rewritten.steps, rewritten.dtype) == ("net", 1, "float64")
    assert rewritten.params["w"] is source.params["w"]
    x = np.array([[[1.0, 2.0]]])
    assert np.array_equal(interpret(rewritten, {"x": x})["y"], 3 * interpret(source, {"x": x})["y"] / 2)


def test_a_node_may_become_a_value_that_is_there_already():
    source = graph()
    skipped = Rewriter(source, "skip").run(lambda rewriter, node: rewriter.values["x"] if node.name == "a" else None)
    assert list(skipped.nodes) == ["x", "b", "c"]
    assert (skipped.nodes["c"].inputs, skipped.outputs["a"]) == (("x", "b"), "x")


def test_what_nobody_reads_any_more_is_gone_with_its_parameters():
    source = graph()
    cut = Rewriter(source, "cut").run(lambda rewriter, node: rewriter.values["a"] if node.name == "c" else None)
    assert list(cut.nodes) == ["x", "a"]
    assert not cut.params
