"""The cut: what runs where, the values that cross by name, and errors for what neither side can do."""

from __future__ import annotations

import numpy as np
import pytest

from ir.deployment import Deployment
from ir.errors import DeployError
from ir.graph import Array, Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import (
    Add,
    BatchNorm,
    Divide,
    Function,
    Input,
    LayerNorm,
    Lif,
    Linear,
    MaxPool,
    Mul,
    Op,
    Reduce,
    Repeat,
    Reshape,
    Scale,
    Slice,
    TimeSum,
    TimeWeight,
)
from ir.passes.split_host import split_host
from ir.verify import verify

EYE = np.eye(4, dtype=np.float32)


def _kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values() if node.op.kind != "input"]


def _inputs(graph: Graph) -> dict[str, str]:
    return {node.name: str(node.type) for node in graph.inputs}


def _assert_runs_as_one(graph: Graph, deployment: Deployment) -> None:
    """The three parts in a row give what the whole gives, bit for bit; and each is legal."""
    for part, level in (("prologue", "host"), ("chip", "source"), ("epilogue", "host")):
        verify(getattr(deployment, part), level)
    random = np.random.default_rng(0)
    fed: dict[str, Array] = {}
    for node in graph.inputs:
        shape = (1 if node.type.static else graph.steps, 3, *node.type.shape)
        values = random.integers(0, 2, shape) if node.type.domain.kind == "spike" else random.normal(size=shape)
        fed[node.name] = values.astype(np.float32)
    before = interpret(deployment.prologue, fed)
    assert set(_inputs(deployment.chip)) <= set(before)
    after = {**fed, **before, **interpret(deployment.chip, before)}
    got = interpret(deployment.epilogue, {node.name: after[node.name] for node in deployment.epilogue.inputs})
    expected = interpret(graph, fed)
    assert list(expected) == list(got)
    for name in expected:
        np.testing.assert_array_equal(expected[name], got[name], err_msg=name)


def test_encoder():
    """Analog in, spikes between, analog out; an early feature goes round the chip."""
    builder = GraphBuilder("encoder", 2)
    x = builder.add(Input("real[3x4] static"), name="x")
    res = builder.add(Linear(), x, name="res", params={"weight": builder.param("w", EYE)})
    early = builder.add(Function("square"), res, name="early")
    norm = builder.add(LayerNorm(1e-5), builder.add(Repeat(), res, name="repeat"), name="norm")
    s0 = builder.add(Lif(0.5), norm, name="s0")
    s1 = builder.add(
        Lif(0.5), builder.add(Linear(), s0, name="l", params={"weight": builder.param("w", EYE)}), name="s1"
    )
    both = builder.add(Add(), s0, s1, name="both")
    weights = {"weight": builder.param("t", np.array([2, 1], np.float32))}
    emb = builder.add(TimeSum(), builder.add(TimeWeight(), both, name="weighted", params=weights), name="emb")
    out = builder.add(Add(), emb, early, name="out")
    graph = builder.build({"out": out, "res": res, "x": x})
    deployment = split_host(graph)
    _assert_runs_as_one(graph, deployment)
    assert _kinds(deployment.prologue) == ["linear", "function", "repeat", "layer_norm"]
    assert list(deployment.prologue.outputs) == ["res", "early", "norm"]
    assert _inputs(deployment.chip) == {"norm": "graded<24>[3x4]"}
    assert _kinds(deployment.chip) == ["lif", "linear", "lif", "add"]
    assert dict(deployment.chip.outputs) == {"both": "both"}
    assert _kinds(deployment.epilogue) == ["time_weight", "time_sum", "add"]
    assert list(_inputs(deployment.epilogue)) == ["x", "res", "early", "both"]
    assert deployment.chip.name == "encoder.chip"


def test_spikes_in_and_spikes_out_pass_through_the_host():
    builder = GraphBuilder("spikes", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    s = builder.add(Lif(0.5), builder.add(Linear(), x, name="l", params={"weight": builder.param("w", EYE)}), name="s")
    graph = builder.build({"y": s, "again": x})
    deployment = split_host(graph)
    _assert_runs_as_one(graph, deployment)
    assert _kinds(deployment.prologue) == _kinds(deployment.epilogue) == []
    assert dict(deployment.prologue.outputs) == {"x": "x"}
    assert _inputs(deployment.chip) == {"x": "spike[3x4]"}
    assert dict(deployment.epilogue.outputs) == {"y": "s", "again": "x"}


def test_analog_input_straight_into_neurons_and_out_again():
    builder = GraphBuilder("direct", 2)
    x = builder.add(Input("real[4] static"), name="x")
    s = builder.add(Lif(0.5), x, name="s")
    graph = builder.build({"y": builder.add(Mul(), s, x, name="gated")})
    deployment = split_host(graph)
    _assert_runs_as_one(graph, deployment)
    assert _inputs(deployment.chip) == {"x": "graded<24>[4] static"}
    assert _kinds(deployment.epilogue) == ["mul"]


def test_what_hangs_off_the_last_neurons_is_the_hosts_but_sums_of_populations_stay():
    """Routing before a sum of populations stays with it; routing and products behind the last neurons do not."""
    builder = GraphBuilder("tail", 2)
    x = builder.add(Input("spike[2x4]"), name="x")
    s = builder.add(Lif(0.5), x, name="s")
    flat_s, flat_x = (builder.add(Reshape((8,)), value, name=f"flat_{value}") for value in (s, x))
    total = builder.add(Add(), flat_s, flat_x, name="total")
    half = builder.add(Slice(0, 0, 4), total, name="half")
    readout = builder.add(Linear(), half, name="readout", params={"weight": builder.param("w", EYE)})
    graph = builder.build({"y": readout, "masked": builder.add(Mul(), s, x, name="masked")})
    deployment = split_host(graph)
    _assert_runs_as_one(graph, deployment)
    assert _kinds(deployment.chip) == ["lif", "reshape", "reshape", "add"]
    assert list(deployment.chip.outputs) == ["s", "total"]
    assert _kinds(deployment.epilogue) == ["slice", "linear", "mul"]


def test_a_network_without_neurons_leaves_the_chip_empty():
    builder = GraphBuilder("ann", 1)
    x = builder.add(Input("real[4] static"), name="x")
    found = split_host(builder.build({"y": builder.add(Function("square"), x, name="y")}))
    assert not found.chip.nodes
    assert list(found.prologue.outputs) == list(found.epilogue.outputs) == ["y"]


def test_every_host_operation_between_neurons_is_named():
    builder = GraphBuilder("inside", 2)
    s = builder.add(Lif(0.5), builder.add(Input("spike[4]"), name="x"), name="s")
    norm = builder.add(LayerNorm(1e-5), s, name="norm", provenance=Provenance("block.norm"))
    wide = builder.add(Divide(), norm, s, name="wide", provenance=Provenance("block"))
    y = builder.add(Lif(0.5), wide, name="y")
    with pytest.raises(DeployError) as error:
        split_host(builder.build({"y": y}))
    assert [(v.rule, v.where) for v in error.value.violations] == [
        ("split.layer_norm", "block.norm"),
        ("split.divide", "block"),
    ]
    assert "%norm: layer_norm lies between neurons, but it needs the mean" in str(error.value)
    assert "before the first neurons or behind the last ones" in error.value.hint


def test_the_outermost_module_is_named_by_the_network():
    builder = GraphBuilder("net", 1)
    spikes = builder.add(Lif(0.5), builder.add(Input("real[4]"), name="x"), name="s", provenance=Provenance("first"))
    y = builder.add(Lif(0.5), builder.add(Function("absolute"), spikes, name="neg"), name="y")
    with pytest.raises(DeployError) as error:
        split_host(builder.build({"y": y}))
    assert error.value.where == "net"


def test_batch_norms_between_neurons_are_left_for_folding():
    builder = GraphBuilder("normed", 1)
    x = builder.add(Input("spike[4]"), name="x")
    current = builder.add(Linear(), x, name="l", params={"weight": builder.param("w", EYE)})
    ones = {role: builder.param(role, np.ones(4, np.float32)) for role in ("mean", "var")}
    normed = builder.add(BatchNorm(0, 0.0), current, name="bn", params=ones)
    deployment = split_host(builder.build({"y": builder.add(Lif(0.5), normed, name="y")}))
    assert _kinds(deployment.chip) == ["linear", "batch_norm", "lif"]


def _stem(*ops: Op) -> Graph:
    """Spikes, a linear layer, the operations in a row, a linear layer, neurons; the spikes feed neurons of their own, too."""
    builder = GraphBuilder("stem", 2)
    x = builder.add(Input("spike[2x4]"), name="x")
    weight = builder.param("w", EYE)
    value = builder.add(Linear(), x, name="first", params={"weight": weight})
    direct = builder.add(Lif(0.5), value, name="direct")
    for op in ops:
        roles = ("mean", "var") if isinstance(op, BatchNorm) else ()
        norm = {role: builder.param(role, np.ones(2, np.float32)) for role in roles}
        value = builder.add(op, value, name=op.kind, params=norm)
    value = builder.add(Linear(), value, name="second", params={"weight": weight})
    return builder.build({"y": builder.add(Lif(0.5), value, name="y"), "direct": direct})


STEMS = {
    "function": (Function("at_least"),),
    "norm of a layer": (LayerNorm(1e-5),),
    "norm across a layer": (BatchNorm(0, 1e-5),),
    "reduction": (Reduce("max", (0,)),),
}


@pytest.mark.parametrize("stem", STEMS)
def test_what_only_the_host_can_do_with_inputs_is_the_prologue(stem: str):
    """And what it needs is done twice, if the chip needs it, too; what comes behind it is analog, and the host's as well."""
    graph = _stem(*STEMS[stem])
    deployment = split_host(graph)
    _assert_runs_as_one(graph, deployment)
    kinds = [op.kind for op in STEMS[stem]]
    assert _kinds(deployment.prologue) == ["linear", *kinds, "linear"]
    assert _kinds(deployment.chip) == ["linear", "lif", "lif"]
    shape = deployment.chip.nodes["second"].type.shape
    assert _inputs(deployment.chip) == {"x": "spike[2x4]", "second": f"graded<24>[{'x'.join(map(str, shape))}]"}


@pytest.mark.parametrize("op", [Scale(0.5), MaxPool((1,), (1,), (0,), (1,))])
def test_what_the_chip_can_do_with_spikes_from_outside_stays_there(op: Op):
    assert _kinds(split_host(_stem(op)).chip) == ["linear", "lif", op.kind, "linear", "lif"]


def test_behind_neurons_there_is_no_stem():
    builder = GraphBuilder("late", 2)
    s = builder.add(Lif(0.5), builder.add(Input("spike[4]"), name="x"), name="s")
    y = builder.add(Lif(0.5), builder.add(Function("exp"), s, name="e"), name="y")
    with pytest.raises(DeployError, match="%e: function lies between neurons"):
        split_host(builder.build({"y": y}))
