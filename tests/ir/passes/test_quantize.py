"""From floats to integers in three passes: what each of them adds to the deployment, and a chip without nodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Input, Lif, Linear, Scale, Synapse
from ir.ops.base import Op
from ir.passes.quantize import calibrate, quantize, separate_gains
from ir.quantize.calibration import observe

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
CALIBRATION = {"x": np.array([[[2.0, 6.0], [4.0, 4.0]]])}


def deployment(op: Op | None = None) -> Deployment:
    """The host halves what arrives; on chip, one neuron per element of gains 1 and -1, and a matrix behind it."""
    host = GraphBuilder("net.prologue", 1, dtype="float64")
    half = host.add(Scale(0.5), host.add(Input("real[2]"), name="x"), name="half")
    b = GraphBuilder("net.chip", 1, dtype="float64")
    p = b.add(Input("graded<24>[2]"), name="p")
    gains = {"gain": b.param("gain", np.array([1.0, -1.0]))} if op is None else {}
    a = b.add(op or Lif(1.0, form="sum"), b.add(Synapse(), p, name="one"), name="a", params=gains)
    c = b.add(Linear(), a, name="c", params={"weight": b.param("w", np.array([[1.0, -0.5]]))})
    chip = b.build({"y": b.add(Lif(0.5), c, name="y")})
    return replace(Deployment.of(chip), prologue=host.build({"p": half}))


def nothing() -> Deployment:
    builder = GraphBuilder("net", 1)
    whole = Deployment.of(builder.build({"x": builder.add(Input("real[2]"), name="x")}))
    return replace(whole, chip=GraphBuilder("net", 1).build({}))


def test_gains_are_separated_and_the_floats_are_kept():
    before = deployment()
    after = separate_gains(before, Context(LOIHI2))
    assert after.floating is before.chip
    assert "one_each" in after.chip.nodes
    assert not after.chip.is_integer


def test_a_neuron_that_the_chip_lacks_is_refused_before_anything_runs():
    with pytest.raises(CompileError, match="soft reset") as caught:
        separate_gains(deployment(Lif(0.5, reset="subtract")), Context(LOIHI1))
    assert caught.value.rule == "quantize.soft_reset"


def test_calibration_sees_what_the_host_hands_over():
    whole = separate_gains(deployment(), Context(LOIHI2))
    after = calibrate(whole, Context(LOIHI2, calibration=CALIBRATION))
    assert after.chip is whole.chip
    assert after.statistics == observe(whole.chip, {"p": CALIBRATION["x"] / 2})
    assert after.statistics["p"].emitted == 3.0
    assert after.statistics["a"].current == 3.0


def test_rounding_leaves_integers_their_scales_and_a_report():
    context = Context(LOIHI2, calibration=CALIBRATION)
    after = quantize(calibrate(separate_gains(deployment(), context), context), context)
    assert after.chip.is_integer
    after.verify("quantized")
    assert [layer.name for layer in after.quantization.layers] == ["a", "y"]
    assert after.scales == after.quantization.scales
    assert after.scales["a"] == 1
    assert after.scales["p"] == after.chip.nodes["p"].type.scale


@pytest.mark.parametrize("step", [separate_gains, calibrate, quantize])
def test_a_network_of_the_host_alone_is_left_as_it_is(step):
    whole = nothing()
    assert step(whole, Context(LOIHI2, calibration=CALIBRATION)) is whole
