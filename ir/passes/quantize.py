"""From real numbers to the chip's integers, in three passes: gains apart, calibration, rounding (`ir.quantize` does the work)."""

from __future__ import annotations

from dataclasses import replace

from ir.deployment import Context, Deployment
from ir.interpreter import interpret
from ir.quantize.calibration import observe
from ir.quantize.network import quantizable, quantize_calibrated


def separate_gains(deployment: Deployment, context: Context) -> Deployment:
    """
    Keep the floats as they are, and give every neuron weights that can take its input gain, and the step of those that have one.

    Raises:
        CompileError: a neuron that the chip's cannot be.
    """
    profile, chip = context.profile, deployment.chip
    if not chip.nodes:
        return deployment
    separate = quantizable(chip, profile.arithmetic, profile.features, context.own_steps)
    return replace(deployment, chip=separate, floating=chip)


def calibrate(deployment: Deployment, context: Context) -> Deployment:
    """Run the floats on typical inputs, and note what every input and population did."""
    chip = deployment.chip
    if not chip.nodes:
        return deployment
    inputs = deployment.encode(interpret(deployment.prologue, context.calibration))
    return replace(deployment, statistics=observe(chip, inputs))


def quantize(deployment: Deployment, context: Context) -> Deployment:
    """
    Round weights, thresholds, decays and biases, and find the scale of every payload.

    Raises:
        CompileError: numbers that the chip's formats cannot hold.
    """
    if not deployment.chip.nodes:
        return deployment
    profile = context.profile
    chip, report = quantize_calibrated(deployment.chip, profile.arithmetic, deployment.statistics, profile.features)
    return replace(deployment, chip=chip, quantization=report, scales=report.scales, membranes=report.membranes)
