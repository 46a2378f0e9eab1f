"""Graphs of nir's classes as raw graphs: names sorted, arrays shared, what nir derives left out; metadata in plain types."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.reading import raw
from frontend.nir.reading.raw import RawGraph, RawNode, plain_metadata, raw_graph
from ir.errors import CompileError

ONE = np.ones(2, np.float32)


def graph(edges: Any = (), **nodes: Any) -> nir.NIRGraph:
    return nir.NIRGraph(nodes, list(edges), type_check=False)


def test_nodes_hold_their_parameters_and_no_more() -> None:
    read = raw_graph(
        graph(
            [("x", "n"), ("n.output", "y")], x=nir.Input(np.array([2])), n=nir.IF(ONE, ONE), y=nir.Output(np.array([2]))
        )
    )
    assert list(read.nodes) == ["n", "x", "y"]
    assert read.edges == (("x", "n"), ("n.output", "y"))
    n, x, y = read.nodes.values()
    assert isinstance(n, RawNode)
    assert (n.kind, n.fields.keys()) == ("IF", {"r", "v_threshold", "v_reset"})
    assert n.fields["r"] is ONE
    assert (x.kind, x.fields["input_type"].tolist(), y.fields["output_type"].tolist()) == ("Input", [2], [2])


def test_shapes_that_are_not_known_and_parameters_that_are_none_are_left_out() -> None:
    conv = nir.Conv1d(None, np.ones((2, 1, 3), np.float32), 1, 0, 1, 1, ONE)
    read = raw_graph(graph(x=nir.Input({"input": None}), c=conv))
    assert read.nodes["x"].fields == {}
    assert "input_shape" not in read.nodes["c"].fields


def test_subgraphs_and_metadata() -> None:
    inner = graph(n=nir.IF(ONE, ONE))
    inner.nodes["n"].metadata = {"note": np.bytes_(b"hi")}
    outer = graph(g=inner)
    outer.metadata = {"dt": np.float64(0.5)}
    read = raw_graph(outer)
    assert read.metadata == {"dt": 0.5}
    assert isinstance(read.nodes["g"], RawGraph)
    assert read.nodes["g"].nodes["n"].metadata == {"note": "hi"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (b"bytes", "bytes"),
        (3, 3),
        (True, True),
        (None, None),
        (np.float32(0.5), 0.5),
        (np.str_("text"), "text"),
        (np.array(7), 7),
        (np.array("text"), "text"),
        (["a", "b"], ("a", "b")),
        (np.array([["a"], ["b"]]), (("a",), ("b",))),
        ({1: {"x": np.int8(2)}}, {"1": {"x": 2}}),
    ],
)
def test_metadata_in_plain_types(value: Any, expected: Any) -> None:
    plain = plain_metadata({"key": value})["key"]
    assert plain == expected
    assert type(plain) is type(expected)


def test_arrays_of_metadata_stay_arrays() -> None:
    array = np.arange(3)
    assert plain_metadata({"key": array})["key"] is array


def nested(depth: int) -> dict[str, Any]:
    return {"in": nested(depth - 1)} if depth else {}


def test_nesting_has_an_end() -> None:
    plain_metadata(nested(raw.MAX_DEPTH))
    with pytest.raises(CompileError, match="metadata is nested more than 32 deep"):
        plain_metadata(nested(raw.MAX_DEPTH + 1))
    inside = graph()
    for _ in range(raw.MAX_DEPTH):
        inside = graph(g=inside)
    raw_graph(inside)
    with pytest.raises(CompileError, match="graphs are nested more than 32 deep"):
        raw_graph(graph(g=inside))


def test_edges_are_pairs_of_names_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for edge in ("ab", ("a", "b", "c"), ("a",)):
        with pytest.raises(CompileError, match="is not a pair of names") as caught:
            raw_graph(graph([edge]))
        assert caught.value.rule == "nir.edge"
    monkeypatch.setattr(raw, "MAX_EDGES", 2)
    raw_graph(graph([("a", "b")] * 2))
    with pytest.raises(CompileError, match="more than 2 edges"):
        raw_graph(graph([("a", "b")] * 3))


def test_what_is_no_node_is_raw_all_the_same() -> None:
    """The check of its kind names it."""
    read = raw_graph(graph(n=3)).nodes["n"]
    assert isinstance(read, RawNode)
    assert (read.kind, read.fields) == ("int", {})
