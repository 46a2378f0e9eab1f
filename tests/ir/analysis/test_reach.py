"""What lies before and behind values, against a search along every single edge."""

from __future__ import annotations

from hypothesis import given

from ir.analysis.reach import downstream, upstream
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Lif, Past
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
