"""Phases in a row give what the whole network gives, bit for bit, and each is as long as it can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from ir.deployment import Deployment
from ir.errors import DeployError
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Function, Input, Lif, Linear, MatMul, Mul, Past, Reshape, Scale, TimeSum
from ir.passes.split_host import split_host
from ir.pipeline.split_phases import split_phases
from ir.verify import verify
from tests.ir.conftest import graphs

EYE = np.eye(4, dtype=np.float32)


def _builder(steps: int = 5, kind: str = "real[4]") -> GraphBuilder:
    builder = GraphBuilder("net", steps)
    builder.add(Input(kind), name="x")
    builder.param("w", EYE)
    return builder


def _fed(graph: Graph) -> dict[str, Array]:
    random, fed = np.random.default_rng(0), dict[str, Array]()
    for node in graph.inputs:
        shape = (1 if node.type.static else graph.steps, 3, *node.type.shape)
        values = random.integers(0, 2, shape) if node.type.domain.kind == "spike" else 2 * random.normal(size=shape)
        fed[node.name] = values.astype(np.float32)
    return fed


def _assert_runs_as_one(graph: Graph, phases: tuple[Graph, ...]) -> None:
    values: dict[str, Array] = _fed(graph)
    expected = interpret(graph, values)
    for phase in phases:
        verify(phase, "source")
        values.update(interpret(phase, {node.name: values[node.name] for node in phase.inputs}))
    for name, value in expected.items():
        assert np.array_equal(values[name], value), name


def test_a_network_that_the_chip_runs_at_once_is_one_phase_itself() -> None:
    builder = _builder()
    s = builder.add(Lif(0.5), builder.add(Linear(), "x", name="l", params={"weight": "w"}), name="s")
    graph = builder.build({"y": builder.add(TimeSum(), s, name="m")})
    assert split_phases(graph) == (graph,)
    assert split_phases(graph)[0] is graph


def _mean_between_neurons() -> Graph:
    builder = _builder()
    s = builder.add(Lif(0.5), "x", name="s")
    m = builder.add(TimeSum(0.2), s, name="m")
    total = builder.add(Add(), m, s, name="total")
    u = builder.add(Lif(0.5), builder.add(Linear(), total, name="l", params={"weight": "w"}), name="u")
    return builder.build({"x": "x", "u": u, "m": m})


def test_a_mean_over_the_window_ends_a_phase() -> None:
    graph = _mean_between_neurons()
    first, second = phases = split_phases(graph)
    assert [node.name for node in first.nodes.values()] == ["x", "s", "m"]
    assert dict(first.outputs) == {"m": "m", "s": "s"}
    assert [node.name for node in second.inputs] == ["x", "s", "m"]
    assert str(second.nodes["m"].type) == "real[4] static"
    assert str(second.nodes["s"].type) == "spike[4]"
    _assert_runs_as_one(graph, phases)
    for phase in phases:
        split_host(phase)


def test_what_hangs_on_two_borders_waits_for_the_later_one() -> None:
    builder = _builder()
    value, means = "x", list[str]()
    for index in range(3):
        s = builder.add(Lif(0.5), value, name=f"s{index}")
        means.append(builder.add(TimeSum(), s, name=f"m{index}"))
        value = builder.add(
            Mul(), means[0], builder.add(Linear(), s, name="l", params={"weight": "w"}), name=f"p{index}"
        )
    graph = builder.build({"y": value})
    phases = split_phases(graph)
    assert [[n.name for n in phase.nodes.values() if n.op.kind == "lif"] for phase in phases] == [
        ["s0"],
        ["s1"],
        ["s2"],
    ]
    assert "m0" in [node.name for node in phases[2].inputs]
    _assert_runs_as_one(graph, phases)


def test_read_outs_and_stems_of_the_host_end_no_phase() -> None:
    builder = _builder()
    stem = builder.add(Function("tanh"), "x", name="stem")
    s = builder.add(Lif(0.5), stem, name="s")
    graph = builder.build({"y": builder.add(Function("tanh"), builder.add(TimeSum(), s, name="m"), name="y")})
    assert split_phases(graph) == (graph,)


def test_products_of_scaled_spikes_stay_on_the_chip() -> None:
    builder = _builder(kind="spike[4]")
    scaled = [
        builder.add(
            Reshape((2, 2)), builder.add(Scale(0.25), builder.add(Lif(0.5), "x", name=name), name="f"), name="r"
        )
        for name in ("a", "b")
    ]
    product = builder.add(MatMul(), *scaled, name="product")
    graph = builder.build({"y": builder.add(Lif(0.5), product, name="u")})
    assert str(graph.nodes["f"].type).startswith("current")
    assert split_phases(graph) == (graph,)
    both = builder.add(
        Mul(), *(builder.add(Linear(), name, name="l", params={"weight": "w"}) for name in "ab"), name="p"
    )
    analog = builder.build({"y": builder.add(Lif(0.5), both, name="v")})
    assert len(split_phases(analog)) == 2


def test_a_loop_stays_in_one_phase() -> None:
    builder = _builder()
    s = builder.add(Lif(0.5), "x", name="s")
    m = builder.add(TimeSum(), s, name="m")
    back = builder.add(Past("u", "spike[4]"), name="back")
    both = builder.add(Add(), m, back, name="both")
    u = builder.add(Lif(0.5), both, name="u")
    graph = builder.build({"y": u})
    phases = split_phases(graph)
    assert [node.name for node in phases[1].nodes.values()] == ["m", "back", "both", "u"]
    _assert_runs_as_one(graph, phases)


def test_a_host_operation_on_a_loop_is_left_for_the_pipeline_to_refuse() -> None:
    builder = _builder()
    back = builder.add(Past("u", "spike[4]"), name="back")
    far = builder.add(Function("tanh"), back, name="far")
    u = builder.add(Lif(0.5), builder.add(Add(), "x", far, name="sum"), name="u")
    graph = builder.build({"y": u})
    assert split_phases(graph) == (graph,)
    with pytest.raises(DeployError, match="function lies between neurons"):
        split_host(graph)


def test_inputs_of_the_model_stay_with_the_first_phase() -> None:
    builder = _builder()
    builder.add(Input("spike[4]"), name="late")
    s = builder.add(Lif(0.5), "x", name="s")
    m = builder.add(Mul(), builder.add(TimeSum(), s, name="m"), builder.add(TimeSum(), "late", name="n"), name="p")
    graph = builder.build({"y": builder.add(Lif(0.5), m, name="u")})
    first, second = split_phases(graph)
    assert [node.name for node in first.inputs] == ["x", "late"]
    assert [node.name for node in Deployment.of(second).prologue.inputs] == ["p"]
    _assert_runs_as_one(graph, (first, second))


@given(graphs())
def test_any_network_runs_as_one(graph: Graph) -> None:
    _assert_runs_as_one(graph, split_phases(graph))
