"""What lies before and behind values, against a search along every single edge."""

from __future__ import annotations

import pytest
from hypothesis import given

from ir.analysis.reach import downstream, made_of_spikes, upstream
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Lif, Past
from ir.text import parse_graph
from tests.ir.conftest import graphs


def _edges(graph: Graph) -> set[tuple[str, str]]:
    return {(read, node.name) for node in graph.nodes.values() for read in node.reads}


def _closure(start: str, edges: set[tuple[str, str]]) -> set[str]:
    found = {start}
    for _ in edges:
        found |= {b for a, b in edges if a in found}
    return found


@given(graphs())
def test_every_way_is_found(graph: Graph) -> None:
    edges = _edges(graph)
    for name in graph.nodes:
        assert downstream(graph, {name}) == _closure(name, edges)
        assert upstream(graph, {name}) == _closure(name, {(b, a) for a, b in edges})


def test_around_loops_past_some_and_within_others() -> None:
    builder = GraphBuilder("net", 3)
    back = builder.add(Past("u", "spike[4]"), name="back")
    both = builder.add(Add(), builder.add(Input("spike[4]"), name="x"), back, name="both")
    u = builder.add(Lif(0.5), both, name="u")
    graph = builder.build({"y": builder.add(Lif(0.5), u, name="s")})
    assert downstream(graph, {"u"}) == {"u", "back", "both", "s"}
    assert downstream(graph, {"u"}, without={"both"}) == {"u", "back", "s"}
    assert upstream(graph, {"u"}) == {"u", "both", "x", "back"}
    assert upstream(graph, {"s"}, within={"s", "u", "x"}) == {"s", "u"}


TEXT = """graph g steps=2
  %s = input() {type='spike[3]'} : spike[3]
  %c = input() {type='count<2>[3]'} : count<2>[3]
  %x = input() {type='real[3]'} : real[3]
  %twice = add(%s, %s) : count<2>[3]
  %half = scale(%twice) {factor=0.5} : current[3]
  %late = delay(%half) {steps=1} : current[3]
  %of_counts = scale(%c) {factor=0.5} : current[3]
  %of_both = add(%half, %of_counts) : current[3]
  %membrane = leaky(%late) {decay=0.5} : graded<24>[3]
  %of_membrane = scale(%membrane) {factor=0.5} : current[3]
  output y = %of_membrane
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s", True),
        ("twice", True),
        ("late", True),
        ("c", False),
        ("x", False),
        ("of_both", False),
        ("of_membrane", False),
    ],
)
def test_what_is_made_of_spikes(name: str, expected: bool):
    assert made_of_spikes(parse_graph(TEXT, {}), name) == expected
