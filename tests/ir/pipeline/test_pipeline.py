"""The pipeline: one list, every pass of one signature, verified, shown and timed in order; networks may enter late."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hw_profiles
import ir.passes
from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, LayerNorm, Lif, Linear, Scale
from ir.pipeline.pipeline import LEVELS, PIPELINE, Pass, lower, run
from ir.text import graph_text

LOIHI2 = hw_profiles.load("loihi2")
NAMES = [step.name for step in PIPELINE]


def tiny() -> Graph:
    builder = GraphBuilder("tiny", 2)
    x = builder.add(Input("spike[3]"), name="x")
    s = builder.add(Lif(0.5), builder.add(Scale(2.0), x, name="twice"), name="s")
    return builder.build({"y": s})


def calibrated() -> Context:
    inputs = {"x": np.random.default_rng(0).integers(0, 2, (2, 5, 3)).astype(np.float32)}
    return Context(LOIHI2, calibration=inputs)


def test_every_pass_is_shown_in_order():
    shown: list[str] = []
    run(Deployment.of(tiny()), calibrated(), hook=lambda name, deployment: shown.append(name))
    assert shown == NAMES


def test_float_is_the_same_list_without_rounding():
    shown: list[str] = []
    context = Context(LOIHI2)
    deployment = run(Deployment.of(tiny()), context, integers=False, hook=lambda name, _: shown.append(name))
    assert shown == [step.name for step in PIPELINE if not step.rounds]
    assert {"separate_gains", "calibrate", "quantize", "split_fan_in"} == set(NAMES) - set(shown)
    assert not deployment.chip.is_integer
    assert deployment.schedule is not None


def test_integers_from_the_start_enter_behind_the_rounding():
    whole = run(Deployment.of(tiny()), calibrated())
    shown: list[str] = []
    again = run(whole.bare(), Context(LOIHI2), "quantized", hook=lambda name, _: shown.append(name))
    assert shown == ["split_fan_in", "schedule", "insert_relays"]
    assert again.chip == whole.chip
    assert again.schedule == whole.schedule


def test_what_comes_out_knows_how_it_was_made():
    deployment = run(Deployment.of(tiny()), calibrated())
    assert deployment.chip.is_integer
    assert deployment.floating is not None
    assert graph_text(deployment.floating) == graph_text(lower(tiny(), LOIHI2, {}).chip)
    assert deployment.quantization is not None
    assert [layer.name for layer in deployment.quantization.layers] == ["s"]
    assert set(deployment.statistics) == {"x", "s"}
    assert deployment.schedule is not None
    assert dict(deployment.schedule.depth) == {"x": 0, "s": 1}


def test_the_list_holds_every_pass_and_all_have_one_signature():
    folder = Path(ir.passes.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {step.apply.__module__.rpartition(".")[2] for step in PIPELINE} == modules
    for step in PIPELINE:
        parameters = inspect.signature(step.apply).parameters
        assert [parameter.annotation for parameter in parameters.values()] == ["Deployment", "Context"], step.name
        assert inspect.signature(step.apply).return_annotation == "Deployment", step.name
    stated = [LEVELS.index(step.level) for step in PIPELINE if step.level]
    assert stated == sorted(stated)


def test_a_pass_that_leaves_something_illegal_stops_the_build():
    def broken(deployment: Deployment, context: Context) -> Deployment:
        builder = GraphBuilder("tiny.chip", 2)
        x = builder.add(Input("graded<24>[3]"), name="x")
        return replace(deployment, chip=builder.build({"y": builder.add(LayerNorm(1e-5), x, name="norm")}))

    passes = [*PIPELINE[:3], Pass("broken", broken, "synaptic"), *PIPELINE[3:]]
    shown: list[str] = []
    with pytest.raises(CompileError, match="layer_norm is not legal at level synaptic") as caught:
        run(Deployment.of(tiny()), calibrated(), passes=passes, hook=lambda name, _: shown.append(name))
    assert caught.value.rule == "ir.synaptic"
    assert shown == NAMES[:3]


def test_a_host_network_goes_through_untouched():
    builder = GraphBuilder("host", 1)
    x = builder.add(Input("real[3]"), name="x")
    weight = builder.param("w", np.eye(3, dtype=np.float32))
    graph = builder.build({"y": builder.add(Linear(), x, name="y", params={"weight": weight})})
    context = Context(LOIHI2, calibration={"x": np.zeros((1, 2, 3), np.float32)})
    deployment = run(Deployment.of(graph), context)
    assert not deployment.chip.nodes
    assert deployment.quantization is None
    assert deployment.schedule is not None


def test_lowered_alone():
    chip = lower(tiny(), LOIHI2, {}).chip
    assert graph_text(chip).splitlines()[1:] == [
        "  %x = input() {type='spike[3]'} : spike[3]",
        "  %twice_in = synapse(%x) {weight=2.0} : current[3]  #  (lower_to_synapses, scale=weights)",
        "  %s = lif(%twice_in) {decay=0.5} : spike[3]",
        "  output s = %s",
    ]
