"""All phases as one deployment: every node once, under names that no two share."""

from __future__ import annotations

import numpy as np

import hw_profiles
from ir.analysis.resources import node_resources
from ir.deployment import Context, Deployment
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Input, Lif, Linear, Past, TimeSum
from ir.pipeline.join_phases import join_phases, names_among_all
from ir.pipeline.pipeline import run
from ir.pipeline.split_phases import split_phases

WEIGHT = np.arange(16, dtype=np.float32).reshape(4, 4) / 16


def _network() -> Graph:
    builder = GraphBuilder("net", 4)
    weight = builder.param("w", WEIGHT)
    builder.add(Input("spike[4]"), name="x")
    s = builder.add(Lif(0.5), builder.add(Linear(), "x", name="a", params={"weight": weight}), name="s")
    total = builder.add(Add(), builder.add(TimeSum(0.25), s, name="m"), s, name="total")
    back = builder.add(Past("u", "spike[4]"), name="back")
    loop = builder.add(Linear(), back, name="r", params={"weight": weight})
    current = builder.add(Add(), builder.add(Linear(), total, name="b", params={"weight": weight}), loop, name="c")
    return builder.build({"y": builder.add(Lif(0.5), current, name="u")})


def _phases() -> list[Deployment]:
    profile, done = hw_profiles.load("loihi2"), list[Deployment]()
    values = {"x": np.random.default_rng(0).integers(0, 2, (4, 3, 4)).astype(np.float32)}
    for graph in split_phases(_network()):
        given = {node.name: values[node.name] for node in graph.inputs}
        done.append(run(Deployment.of(graph), Context(profile, calibration=given)))
        values.update(interpret(graph, given))
    return done


def test_one_phase_is_itself() -> None:
    (first, _) = _phases()
    assert join_phases([first]) is first


def test_values_that_cross_have_a_name_on_either_side() -> None:
    first, second = names_among_all(_phases())
    assert all(own == name for own, name in first.items())
    assert {own: name for own, name in second.items() if own != name} == {"s": "s_2"}


def test_everything_is_counted_once() -> None:
    phases = _phases()
    joined = join_phases(phases)
    parts = [row for phase in phases for row in node_resources(phase.chip)]
    assert [(r.neurons, r.synapses) for r in node_resources(joined.chip)] == [(r.neurons, r.synapses) for r in parts]
    assert joined.floating is not None
    assert set(joined.floating.nodes) == set(joined.chip.nodes)
    assert joined.quantization is not None
    assert [layer.name for layer in joined.quantization.layers] == ["s", "u"]
    assert joined.schedule is not None
    assert joined.schedule.depth["s_2"] == 0
    assert joined.scales["s_2"] == joined.scales["s"] == 1
    assert [node.op.of for node in joined.chip.loops if isinstance(node.op, Past)] == ["u"]
