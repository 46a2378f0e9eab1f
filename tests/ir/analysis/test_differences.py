"""Two graphs that differ in one thing are told apart by it; in the length of their windows alone they are the same."""

from __future__ import annotations

import numpy as np
import pytest

from ir.analysis.differences import first_difference
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Lif, Linear, TimeSum


def network(
    weight: float = 1, decay: float = 0.5, inputs: str = "spike[3]", name: str = "s", output: str = "y", steps: int = 4
) -> Graph:
    b = GraphBuilder("net", steps)
    x = b.add(Input(inputs), name="x")
    w = b.param("w", np.full((2, 3), weight, np.float32))
    return b.build({output: b.add(Lif(decay), b.add(Linear(), x, name="c", params={"weight": w}), name=name)})


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (network(steps=9), ""),
        (network(weight=2), "%c has another weight"),
        (network(decay=0.25), "%s is Lif"),
        (network(inputs="real[3]"), "%x is Input"),
        (network(name="t"), "%s of one is %t in the other"),
        (network(output="z"), "the outputs are y in one and z in the other"),
    ],
)
def test_the_first_difference_is_named(other: Graph, words: str):
    found = first_difference(network(), other)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_node_that_is_missing():
    b = GraphBuilder("net", 4)
    longer = b.build({"y": b.add(TimeSum(), b.add(Input("spike[3]"), name="x"), name="y")})
    shorter = GraphBuilder("net", 4)
    alone = shorter.build({"y": shorter.add(Input("spike[3]"), name="x")})
    assert first_difference(longer, alone) == first_difference(alone, longer) == "%y is in one of them only"
