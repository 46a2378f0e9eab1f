"""Recurrent layers against loops over single steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.graph import Graph, GraphBuilder
from ir.interpreter import around_loops, interpret
from ir.ops import Add, Input, Lif, Linear, Past
from ir.text import graph_text, parse_graph
from ir.verify import verify

STEPS, BATCH = 9, 2
RNG = np.random.default_rng(1)
X = RNG.integers(0, 2, (STEPS, BATCH, 3)).astype(np.float32)
W, U = (RNG.integers(-4, 5, shape).astype(np.float32) / 4 for shape in ((4, 3), (4, 4)))


def recurrent(late: int = 1) -> Graph:
    """x -> linear -> lif, its spikes through another matrix back into it; a second layer behind it."""
    builder = GraphBuilder("net", 0)
    x = builder.add(Input("spike[3]"), name="x")
    past = builder.add(Past("s", "spike[4]", late), name="back")
    a = builder.add(Linear(), x, name="a", params={"weight": builder.param("w", W)})
    b = builder.add(Linear(), past, name="b", params={"weight": builder.param("u", U)})
    total = builder.add(Add(), a, b, name="total")
    s = builder.add(Lif(0.5, threshold=0.25), total, name="s")
    c = builder.add(Linear(), s, name="c", params={"weight": builder.param("u", U)})
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.25), c, name="z"), "s": s})


@pytest.mark.parametrize("late", [1, 3])
def test_a_recurrent_layer(late: int):
    graph = recurrent(late)
    verify(graph, "source")
    assert [node.name for node in around_loops(graph).looped] == ["back", "b", "total", "s"]
    v, z, spikes, outputs = (np.zeros((BATCH, 4), np.float32) for _ in range(4))
    spikes, outputs = [np.zeros((BATCH, 4), np.float32)] * late, []
    for x in X:
        v = v + (x @ W.T + spikes[-late] @ U.T - v) / 2
        fired = v >= 0.25
        spikes.append(fired.astype(np.float32))
        v[fired] = 0
        z = z + (spikes[-1] @ U.T - z) / 2
        outputs.append(z >= 0.25)
        z[z >= 0.25] = 0
    seen: dict[str, np.ndarray] = {}
    for array in (X, torch.from_numpy(X)):
        got = interpret(graph, {"x": array}, lambda node, value: seen.update({node.name: np.asarray(value)}))
        assert np.array_equal(np.asarray(got["s"]), spikes[late:])
        assert np.array_equal(np.asarray(got["y"]), outputs)
        assert seen.keys() == graph.nodes.keys()
        assert np.array_equal(seen["back"], spikes[:-late])


def test_text_and_dtype():
    graph = recurrent()
    assert parse_graph(graph_text(graph), graph.params) == graph
    wide = GraphBuilder("wide", 0, dtype="float64")
    made = wide.build({"y": wide.add(Lif(0.5), wide.add(Input("real[2]"), name="x"), name="y")})
    assert parse_graph(graph_text(made), {}) == made
    assert made.dtype == "float64"
