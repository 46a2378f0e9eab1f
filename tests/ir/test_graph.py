"""Graphs travel between processes."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st


@given(data=st.data())
def test_a_pickled_graph_is_the_same(data: st.DataObject, random_graphs):
    graph = data.draw(random_graphs)
    assert pickle.loads(pickle.dumps(graph)) == graph
