"""A network between host and chip: passed on as it is, checked in three parts, and its values handed over as the chip takes them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, IntegerLif, LayerNorm, Lif, Synapse


def traced() -> Graph:
    """Spikes and analog values through a neuron each; the first neuron is two outputs."""
    builder = GraphBuilder("net", 2, dtype="float64")
    x, a = builder.add(Input("spike[3]"), name="x"), builder.add(Input("real[3] static"), name="a")
    s, t = builder.add(Lif(0.5), x, name="s"), builder.add(Lif(0.5), a, name="t")
    return builder.build({"y": s, "again": s, "z": t})


def integers(scale: float = 0.25, bits: int = 4, steps: int = 2) -> Deployment:
    """Payloads and spikes into neurons of the chip."""
    builder = GraphBuilder("net", steps)
    p = builder.add(Input(f"graded<{bits}>[2]*{scale}"), name="p")
    s = builder.add(Input("spike[2]"), name="s")
    currents = [builder.add(Synapse(), name, name=f"{name}_in") for name in (p, s)]
    op = IntegerLif(4095, 4096, 8, shift=6, decay_bits=12, state_bits=24)
    return Deployment.of(builder.build({"y": builder.add(op, *currents, name="y")}))


def test_all_of_a_network_is_the_chips_and_the_host_passes_on():
    graph = traced()
    deployment = Deployment.of(graph)
    assert deployment.chip is graph
    deployment.verify("source")
    inputs = {"x": np.ones((2, 1, 3)), "a": np.full((1, 1, 3), 2.0)}
    before = interpret(deployment.prologue, inputs)
    assert {name: value is inputs[name] for name, value in before.items()} == {"x": True, "a": True}
    chip = interpret(deployment.chip, before)
    after = interpret(deployment.epilogue, {"s": chip["y"], "t": chip["z"]})
    assert list(after) == ["y", "again", "z"]
    assert after["y"] is after["again"] is chip["y"]
    assert (deployment.prologue.steps, deployment.epilogue.dtype) == (2, "float64")
    assert [str(node.type) for node in deployment.epilogue.inputs] == ["spike[3]", "spike[3]"]


def test_each_part_is_checked_at_its_own_level():
    deployment = Deployment.of(traced())
    with pytest.raises(CompileError, match=r"lif is not legal at level quantized"):
        deployment.verify("quantized")
    builder = GraphBuilder("host", 2)
    x = builder.add(Input("spike[3]"), name="x")
    hosted = replace(deployment, chip=builder.build({"y": builder.add(LayerNorm(1e-5), x, name="norm")}))
    with pytest.raises(CompileError, match=r"layer_norm is not legal at level spiking"):
        hosted.verify("spiking")
    replace(deployment, prologue=hosted.chip, epilogue=hosted.chip).verify("spiking")


def test_the_same_graph_is_the_same_deployment():
    deployment = Deployment.of(traced())
    assert deployment.on_chip(lambda chip: chip) is deployment
    other = traced()
    changed = deployment.on_chip(lambda chip: other)
    assert changed.chip is other
    assert (changed.prologue, changed.epilogue) == (deployment.prologue, deployment.epilogue)


def test_what_it_takes_to_run_goes_to_other_processes():
    whole = replace(integers(), scales={"y": 0.5}, floating=traced())
    bare = whole.bare()
    assert (bare.chip, bare.scales, bare.floating, bare.schedule) == (whole.chip, {"y": 0.5}, None, None)
    assert pickle.loads(pickle.dumps(bare)) == bare


@pytest.mark.parametrize("wrap", [np.asarray, torch.as_tensor])
def test_payloads_are_rounded_to_the_nearest_and_saturate(wrap: Callable[[np.ndarray], object]):
    values = {
        "p": wrap(np.array([0.3, -0.4, 0.125, 0.375, 9.0, -9.0], np.float32).reshape(1, 3, 2)),
        "s": wrap(np.array([[[0.0, 1.0]] * 3, [[1.0, 1.0]] * 3])),
    }
    encoded = integers().encode(values)
    assert (encoded["p"].dtype, encoded["s"].dtype) == (np.int32, np.uint8)
    assert encoded["p"].tolist() == [[[1, -2], [0, 2], [7, -8]]] * 2, "a static value at every step; ties to even"
    assert encoded["s"].tolist() == [[[0, 1]] * 3, [[1, 1]] * 3]


def test_what_is_no_number_is_no_payload():
    values = {"p": np.array([0.3, np.nan, 0, 0, 0, 0], np.float32).reshape(1, 3, 2), "s": np.zeros((2, 3, 2))}
    with pytest.raises(CompileError, match=r"run\.finite"):
        integers().encode(values)


def test_a_streaming_network_takes_as_many_steps_as_come():
    values = {"p": np.zeros((5, 1, 2)), "s": np.zeros((5, 1, 2))}
    assert integers(steps=0).encode(values)["p"].shape == (5, 1, 2)


def test_a_chip_of_floats_gets_floats():
    encoded = Deployment.of(traced()).encode({"x": np.ones((2, 1, 3)), "a": np.full((1, 1, 3), 0.3)})
    assert (encoded["x"].dtype, encoded["a"].dtype) == (np.uint8, np.float64)
    assert encoded["a"].tolist() == [[[0.3] * 3]] * 2
