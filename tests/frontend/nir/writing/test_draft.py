"""A NIR graph node by node: bare wires, sums as edges, second edges through a node of their own, loops as edges or delays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nir
import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.writing.draft import NirDraft, StandardCoverage
from frontend.nir.writing.fragments import NirFragment, factor
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Function, Input, Lif, Op, Past, Scale, Subtract, Synapse

SHAPE = (3,)


class Net:
    def __init__(self) -> None:
        self.builder = GraphBuilder("net", 2)
        self.x = self.builder.add(Input("spike[3]"), name="x")

    def add(self, op: Op, *values: str, name: str) -> str:
        return self.builder.add(op, *values, name=name)


def fragment(graph: Graph, name: str) -> NirFragment | None:
    """A Scale for every input, neuron and factor, wires for sums and synapses; nothing for functions."""
    op = graph.nodes[name].op
    if isinstance(op, Add | Past | Synapse):
        return NirFragment(())
    if isinstance(op, Subtract):
        return NirFragment((factor(1.0, SHAPE, "float32"),), ((), (factor(-1.0, SHAPE, "float32"),)))
    return None if isinstance(op, Function) else NirFragment((factor(2.0, SHAPE, "float32"),))


def drafted(graph: Graph, delays: bool = False, operands: Mapping[str, Any] | None = None) -> NirDraft:
    """All of a graph, without what others do the work of."""
    read = {name for values in (operands or {}).values() for name in values}
    absorbed = frozenset(name for fused in operands or {} for name in graph.nodes[fused].inputs if name not in read)
    items = {name: fragment(graph, name) for name in graph.nodes if name not in absorbed}
    fragments = {name: item for name, item in items.items() if item is not None}
    coverage = StandardCoverage(fragments, operands or {}, absorbed, Semantics())
    draft = NirDraft(graph, coverage, delays, {*graph.nodes, *graph.outputs})
    draft.add_standard()
    for name in graph.nodes.keys() - fragments.keys() - absorbed:
        draft.add_extension(name, nir.Threshold(np.ones(3)))
    for output, value in graph.outputs.items():
        draft.add_output(value, output, nir.Output({"output": np.array(SHAPE)}))
    return draft


def test_wires_and_sums_are_edges() -> None:
    net = Net()
    a, b = (net.add(Scale(2.0), net.x, name=name) for name in "ab")
    total = net.add(Add(), net.add(Synapse(), a, name="wire"), b, name="sum")
    draft = drafted(net.builder.build({"y": net.add(Scale(2.0), total, name="last")}))
    assert list(draft.nodes) == ["x", "a", "b", "last", "y"]
    assert draft.edges == [("x", "a"), ("x", "b"), ("a", "last"), ("b", "last"), ("last", "y")]


def test_a_sum_that_is_added_again_keeps_its_rounding_in_a_node_of_its_own() -> None:
    """(a + b) + x may be three edges, x + (a + b) may not."""
    for first in (True, False):
        net = Net()
        a, b = (net.add(Scale(2.0), net.x, name=name) for name in "ab")
        inner = net.add(Add(), a, b, name="inner")
        outer = net.add(Add(), *((inner, net.x) if first else (net.x, inner)), name="outer")
        draft = drafted(net.builder.build({"y": net.add(Scale(2.0), outer, name="last")}))
        assert ("inner" in draft.nodes) != first
        ends = {start for start, end in draft.edges if end == "last"}
        assert ends == ({"a", "b", "x"} if first else {"x", "inner"})


def test_outputs_that_are_sums_have_a_node() -> None:
    net = Net()
    total = net.add(Add(), net.x, net.add(Scale(2.0), net.x, name="a"), name="sum")
    draft = drafted(net.builder.build({"y": total}))
    assert (draft.nodes["sum"].scale == 1).all()
    assert set(draft.edges) == {("x", "a"), ("x", "sum"), ("a", "sum"), ("sum", "y")}


def test_the_second_edge_between_two_nodes_goes_through_another() -> None:
    net = Net()
    twice = net.add(Add(), net.x, net.x, net.x, name="thrice")
    draft = drafted(net.builder.build({"y": net.add(Scale(2.0), twice, name="n")}))
    assert draft.edges == [
        ("x", "n"),
        ("n.again", "n"),
        ("x", "n.again"),
        ("n.again_2", "n"),
        ("x", "n.again_2"),
        ("n", "y"),
    ]
    assert len(set(draft.edges)) == len(draft.edges)


def test_every_operand_goes_through_its_branch() -> None:
    net = Net()
    a = net.add(Scale(2.0), net.x, name="a")
    draft = drafted(net.builder.build({"y": net.add(Subtract(), net.x, a, name="less")}))
    assert (draft.nodes["less.from.1"].scale == -1).all()
    assert draft.edges[1:] == [("x", "less"), ("less.from.1", "less"), ("a", "less.from.1"), ("less", "y")]


def test_what_goes_through_a_branch_is_a_node() -> None:
    net = Net()
    total = net.add(Add(), net.x, net.add(Scale(2.0), net.x, name="a"), name="sum")
    draft = drafted(net.builder.build({"y": net.add(Subtract(), total, net.x, name="less")}))
    assert ("sum", "less") in draft.edges
    assert ("a", "less") not in draft.edges


def test_what_is_no_node_of_nir_reads_nodes() -> None:
    net = Net()
    wire = net.add(Synapse(), net.x, name="wire")
    draft = drafted(net.builder.build({"y": net.add(Function("square"), wire, name="square")}))
    assert draft.edges == [("x", "wire"), ("wire", "square"), ("square", "y")]


def test_nodes_that_do_the_work_of_others_read_what_those_read() -> None:
    net = Net()
    inner = net.add(Scale(2.0), net.x, name="inner")
    graph = net.builder.build({"y": net.add(Scale(2.0), inner, name="fused")})
    draft = drafted(graph, operands={"fused": ("x",)})
    assert list(draft.nodes) == ["x", "fused", "y"]
    assert draft.edges == [("x", "fused"), ("fused", "y")]


def loop(steps: int) -> Graph:
    net = Net()
    past = net.add(Past("n", "spike[3]", steps), name="past")
    return net.builder.build({"y": net.add(Lif(decay=0.5), net.x, past, name="n")})


def test_loops_are_late_edges_or_delays() -> None:
    bare = drafted(loop(1))
    assert bare.late == [("n", "n")]
    assert bare.edges == [("x", "n"), ("n", "n"), ("n", "y")]
    for draft, steps in ((drafted(loop(1), delays=True), 1), (drafted(loop(3)), 3)):
        assert draft.nodes["past"].delay.tolist() == [steps] * 3
        assert draft.edges == [("n", "past"), ("x", "n"), ("past", "n"), ("n", "y")]
        assert draft.late == []


def test_chains_take_names_that_are_free() -> None:
    net = Net()
    net.add(Scale(2.0), net.x, name="n.in")
    graph = net.builder.build({"z": "n.in", "y": net.add(Scale(2.0), "n.in", name="n")})
    two = NirFragment((factor(3.0, SHAPE, "float32"), factor(2.0, SHAPE, "float32")))
    fragments = {**{name: fragment(graph, name) for name in ("x", "n.in")}, "n": two}
    draft = NirDraft(graph, StandardCoverage(fragments, {}, frozenset(), Semantics()), False, {*graph.nodes, "y", "z"})
    draft.add_standard()
    assert draft.edges == [("x", "n.in"), ("n.in_2", "n"), ("n.in", "n.in_2")]
    assert (draft.nodes["n.in_2"].scale == 3).all()
