"""Places of a drawing's nodes: right of what they read, each its own."""

from __future__ import annotations

from compile.report.page.layered import layered


def test_every_node_is_right_of_all_that_it_reads():
    reads = {"x": [], "a": ["x"], "b": ["x"], "c": ["a", "b"], "d": ["x", "c"]}
    places = layered(reads)
    assert [places[name][0] for name in reads] == [0, 1, 1, 2, 3]
    assert len(set(places.values())) == len(reads)
    assert places["x"] == (0, 0)
    assert {places["a"][1], places["b"][1]} == {-0.5, 0.5}


def test_nodes_stand_in_the_order_of_what_they_read():
    reads = {"x": [], "y": [], "of y": ["y"], "of x": ["x"]}
    places = layered(reads)
    assert (places["x"][1] < places["y"][1]) == (places["of x"][1] < places["of y"][1])


def test_an_edge_from_a_later_node_does_not_count():
    assert layered({"past": ["late"], "late": ["past"]}) == {"past": (0, 0), "late": (1, 0)}
