"""The text form parses back to an equal graph."""

from __future__ import annotations

import gc
import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import GraphBuilder, Provenance
from ir.ops import Input, Lif, Linear
from ir.text import graph_text, parse_graph


@given(data=st.data())
def test_round_trip(data: st.DataObject, random_graphs):
    graph = data.draw(random_graphs)
    assert parse_graph(graph_text(graph), graph.params) == graph


def test_golden(golden):
    builder = GraphBuilder("tiny", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    weight = builder.param("block.w", np.arange(8, dtype=np.float32).reshape(2, 4))
    current = builder.add(
        Linear(), x, name="q", params={"weight": weight}, provenance=Provenance("block.q", ("fold_batchnorm",))
    )
    spikes = builder.add(Lif(0.5, threshold=0.25), current, name="q_lif", provenance=Provenance("block.q_lif"))
    golden("tiny_graph.txt", graph_text(builder.build({"out": spikes})))


@pytest.mark.parametrize(
    "text", ["", "graph g", "graph g steps=1\n %x = nonsense() : spike[1]", "graph g steps=1\n hello"]
)
def test_refuses(text: str):
    with pytest.raises(CompileError, match=r"ir\.text"):
        parse_graph(text, {})


def test_the_hash_follows_the_values():
    builder = GraphBuilder("tiny", 1)
    texts = []
    for weight in (np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)):
        x = builder.add(Input("spike[3]"), name="x")
        current = builder.add(Linear(), x, name="q", params={"weight": builder.param("w", weight)})
        texts.append(graph_text(builder.build({"out": current})))
        builder = GraphBuilder("tiny", 1)
        gc.collect()  # the next array may get this one's identity
    assert [re.findall("#([0-9a-f]{8})", text)[0] for text in texts] == [
        hashlib.sha256(fill * 6).hexdigest()[:8] for fill in (b"\0\0\0\0", b"\0\0\x80\x3f")
    ]
