"""Phases in a row give what the whole network gives, bit for bit, and each is as long as it can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.deployment import Deployment
from ir.errors import DeployError
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    Add,
    FoldTime,
    Function,
    Input,
    Lif,
    Linear,
    MatMul,
    Mul,
    Past,
    Repeat,
    Reshape,
    Scale,
    TimeSum,
    UnfoldTime,
)
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
        shape = (1 if node.type.static else node.type.steps or graph.steps, 3, *node.type.shape)
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


def _branches() -> GraphBuilder:
    """Neurons of 5 steps, a linear layer and neurons of 2."""
    builder = _builder()
    builder.add(Input("spike[4] T=2"), name="z")
    builder.add(Lif(0.5), "x", name="s")
    builder.add(Lif(0.5), builder.add(Linear(), "z", name="l", params={"weight": "w"}), name="u")
    return builder


def test_neurons_of_another_number_of_steps_are_a_phase_in_their_own_window() -> None:
    builder = _branches()
    sums = [builder.add(TimeSum(), name, name=f"{name}.sum") for name in "su"]
    graph = builder.build({"y": builder.add(Mul(), *sums, name="y")})
    first, second = phases = split_phases(graph)
    assert [(phase.steps, list(phase.nodes)) for phase in phases] == [
        (5, ["x", "z", "s", "s.sum"]),
        (2, ["z", "l", "u", "s.sum", "u.sum", "y"]),
    ]
    assert [str(node.type) for node in (first.nodes["z"], second.nodes["z"])] == ["spike[4] T=2", "spike[4]"]
    _assert_runs_as_one(graph, phases)
    with pytest.raises(DeployError, match="%u runs 2 steps per sample, other neurons 5"):
        split_host(graph)


def test_branches_that_meet_go_on_in_the_window_of_one_of_them() -> None:
    builder = _branches()
    both = builder.add(Add(), "s", builder.add(TimeSum(), "u", name="m"), name="both")
    graph = builder.build({"y": builder.add(Lif(0.5), both, name="v"), "u": "u"})
    phases = split_phases(graph)
    assert [phase.steps for phase in phases] == [5, 2, 5]
    assert {n.name: str(n.type) for n in phases[2].inputs} == {
        "s": "spike[4]",
        "u": "spike[4] T=2",
        "m": "real[4] static",
    }
    _assert_runs_as_one(graph, phases)


@st.composite
def _of_two_windows(draw: st.DrawFn) -> Graph:
    """A random graph of values of 2 and 3 steps, neurons, the host's operations over time, and what joins values."""
    builder = GraphBuilder("random", draw(st.sampled_from([2, 3])))
    values = [builder.add(Input("spike[4]"), name="x"), builder.add(Input("real[4] T=2"), name="y")]
    values.append(builder.add(Input("spike[4] T=3"), name="z"))
    for index in range(draw(st.integers(1, 14))):
        kinds = {value: builder.type(value) for value in values}
        value = draw(st.sampled_from(values))
        like = [each for each in values if {kinds[each].static, kinds[value].static} == {True, False}]
        like += [each for each in values if kinds[each].steps == kinds[value].steps and not kinds[each].static]
        ops = (
            (Repeat(draw(st.sampled_from([2, 3]))), Function("tanh")) if kinds[value].static else (Lif(0.5), TimeSum())
        )
        op, name = draw(st.sampled_from([*ops, Add()])), f"v{index}"
        if isinstance(op, Add) and not like:
            continue
        reads = [value, draw(st.sampled_from(like))] if isinstance(op, Add) else [value]
        values.append(builder.add(op, *reads, name=name))
        if isinstance(op, TimeSum) and draw(st.booleans()):
            length = kinds[value].steps or builder.build({}).steps
            values.append(builder.add(UnfoldTime(0), builder.add(FoldTime(length), value, name="f"), name="again"))
    return builder.build({value: value for value in values[3:]} or {"x": "x"})


@given(_of_two_windows())
def test_any_network_of_two_windows_runs_as_one(graph: Graph) -> None:
    phases = split_phases(graph)
    _assert_runs_as_one(graph, phases)
    for phase in phases if len(phases) > 1 else ():
        assert split_host(phase).chip.nodes
