"""Whether a reader's depth-first search delays a loop of edges where it is meant."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.writing.back_edges import are_read_late

ONE = np.ones(2, np.float32)
MAKE: dict[str, Any] = {
    "n": lambda: nir.IF(ONE, ONE),
    "w": lambda: nir.Linear(np.eye(2, dtype=np.float32)),
    "b": lambda: nir.Affine(np.eye(2, dtype=np.float32), ONE),
    "d": lambda: nir.Delay(ONE),
}


def graph(*edges: tuple[str, str]) -> nir.NIRGraph:
    """Nodes by the first letter of their names, between x and y."""
    names = {name for edge in edges for name in edge} - {"x", "y"}
    ends = {"x": nir.Input({"input": np.array([2])}), "y": nir.Output({"output": np.array([2])})}
    return nir.NIRGraph({**ends, **{name: MAKE[name[0]]() for name in names}}, list(edges), type_check=False)


SELF = (("x", "n"), ("n", "n"), ("n", "y"))
WEIGHTED = (("x", "n"), ("n", "w"), ("w", "n"), ("n", "y"))
BIASED = (("x", "n"), ("n", "b"), ("b", "n"), ("n", "y"))
PAIR = (("x", "n"), ("n", "n2"), ("n2", "n"), ("n2", "y"))
DELAYED = (("x", "n"), ("n", "d"), ("d", "n"), ("n", "y"))


@pytest.mark.parametrize(
    ("edges", "late", "expected"),
    [
        (SELF, [("n", "n")], True),
        (SELF, [], False),
        (WEIGHTED, [("w", "n")], True),
        (WEIGHTED, [("n", "w")], True),  # before a matrix or behind it is the same
        (BIASED, [("b", "n")], True),
        (BIASED, [("n", "b")], False),  # behind a bias it is not
        (PAIR, [("n2", "n")], True),
        (PAIR, [("n", "n2")], False),  # the search starts at x and comes to n first
        (DELAYED, [], True),
        (DELAYED, [("d", "n")], False),
        ((("x", "n"), ("n", "y")), [], True),
        ((("x", "n"), ("n", "y")), [("n", "y")], False),
    ],
)
def test_a_reader_delays_the_edges_that_are_meant(edges: Any, late: list[tuple[str, str]], expected: bool) -> None:
    assert are_read_late(graph(*edges), late) is expected


def test_a_graph_that_no_reader_takes_is_not_read() -> None:
    assert not are_read_late(graph(("x", "w"), ("w", "w2"), ("w2", "w"), ("w", "y")), [("w2", "w")])
