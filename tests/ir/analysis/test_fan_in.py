"""Walks and cones against reachability over all edges of random graphs."""

from __future__ import annotations

import numpy as np
import pytest

from ir.analysis.fan_in import EMITTERS, fan_in_cone, populations, projections, walk
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Delay, Input, Lif, Past, Permute, Synapse


def random_graph(seed: int, loops: bool) -> Graph:
    """Populations of two neurons, wired at random: sums, routing, delays, and back edges to anything."""
    b, rng = GraphBuilder("random", 3), np.random.default_rng(seed)
    spikes = [b.add(Input("spike[2]"), name=name) for name in "xy"]
    spikes += [b.add(Past(f"p{rng.integers(8)}", "spike[2]", 1), name="back") for _ in range(3 * loops)]
    currents: list[str] = []
    for place in range(8):
        for _ in range(int(rng.integers(1, 4))):
            value = spikes[rng.integers(len(spikes))]
            value = b.add(Permute((0,)), value, name="route") if rng.random() < 0.3 else value
            value = b.add(Delay(1), value, name="late") if rng.random() < 0.2 else value
            currents.append(b.add(Synapse(), value, name="s"))
        picked = [currents[k] for k in rng.integers(len(currents), size=2)]
        total = b.add(Add(), *picked, name="sum") if rng.random() < 0.5 else picked[0]
        spikes.append(b.add(Lif(0.5), total, currents[-1], name=f"p{place}"))
    return b.build({name: name for name in spikes if name.startswith("p")})


def reached(graph: Graph, roots: tuple[str, ...], back_edges: bool) -> set[str]:
    """Everything behind the roots, by adding edges until nothing new comes; emitting nodes are not passed."""
    names = set(roots)
    while True:
        passed = [graph.nodes[name] for name in names if graph.nodes[name].op.family not in EMITTERS]
        more = {source for node in passed for source in (node.reads if back_edges else node.inputs)}
        if more <= names:
            return names
        names |= more


@pytest.mark.parametrize("back_edges", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_a_cone_is_all_that_lies_behind(seed: int, back_edges: bool):
    graph = random_graph(seed, loops=seed % 2 == 1)
    assert bool(graph.loops) == (seed % 2 == 1)
    for node in populations(graph):
        cone = fan_in_cone(graph, node.inputs, back_edges)
        behind = reached(graph, node.inputs, back_edges)
        emitting = {name for name in behind if graph.nodes[name].op.family in EMITTERS}
        assert cone.sources == tuple(name for name in graph.nodes if name in emitting)
        assert [wire.name for wire in cone.nodes] == [name for name in graph.nodes if name in behind - emitting]
        kinds = {graph.nodes[name].op.kind for name in behind}
        assert cone.remembers == bool(kinds & {"delay", "past"})


def test_a_walk_goes_deep_first_in_order_and_ends_on_rings():
    edges = {"a": ["b", "c"], "b": ["d"], "c": ["d", "e"], "d": ["a"], "e": []}
    assert walk(("a",), edges.__getitem__) == ["a", "b", "d", "c", "e"]
    assert walk(("e", "b"), edges.__getitem__) == ["e", "b", "d", "a", "c"]
    assert walk((), edges.__getitem__) == []


def test_populations_and_projections_are_all_nodes_of_their_families():
    graph = random_graph(3, loops=True)
    assert [node.name for node in populations(graph)] == [name for name in graph.nodes if name[0] == "p"]
    assert len(projections(graph)) == sum(node.op.kind == "synapse" for node in graph.nodes.values())
