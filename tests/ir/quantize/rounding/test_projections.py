"""Projections of one population share its unit and, where they share weights, one rounding; what proofs count on stays the nearest."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

import hw_profiles
from ir.graph import GraphBuilder
from ir.ops import Input, Lif, Linear, Synapse
from ir.quantize.calibrated import CalibratedNetwork, calibrated
from ir.quantize.calibration import observe
from ir.quantize.rounding.projections import ProjectionRounder
from ir.quantize.units.choose_unit import Unit
from ir.quantize.weights import round_weights

ARITHMETIC = replace(hw_profiles.load("loihi2").arithmetic, weight_bits=4)
RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(8, 8))
UNIT = Unit(Fraction(float(np.abs(WEIGHT).max()) / 7))


def network() -> CalibratedNetwork:
    """Two populations of inputs that fire together, through the same weights, and one synapse each."""
    b = GraphBuilder("net", 4)
    weight = {"weight": b.param("w", WEIGHT)}
    inputs = [b.add(Input("spike[8]"), name=name) for name in "xz"]
    currents = [b.add(Linear(), x, name=f"from_{x}", params=weight) for x in inputs]
    graph = b.build({"y": b.add(Lif(0.5), *currents, b.add(Synapse(0.7), inputs[0], name="straight"), name="y")})
    together = (RNG.random((4, 50, 1)) < 0.5) & (RNG.random((4, 50, 8)) < 0.95)
    return calibrated(graph, observe(graph, dict.fromkeys("xz", together.astype(np.float32))), ARITHMETIC)


def test_weights_that_are_shared_are_rounded_once_and_for_what_they_read():
    chip = network()
    rounder = ProjectionRounder(chip, chip.chip.nodes["y"])
    one, other = (rounder.plan(f"from_{name}", UNIT, 1.0).weights for name in "xz")
    assert one is other
    errors = one.integers * float(UNIT.size) - WEIGHT
    nearest = round_weights(WEIGHT, float(UNIT.size), 4, np.zeros((), np.int64)).integers * float(UNIT.size) - WEIGHT
    ours, theirs = (np.einsum("oi,ij,oj->", each, chip.products["w"], each) for each in (errors, nearest))
    assert ours < theirs / 2


def test_synapses_and_compared_payloads_keep_the_nearest():
    chip = network()
    rounder = ProjectionRounder(replace(chip, compared=frozenset("y")), chip.chip.nodes["y"])
    nearest = round_weights(WEIGHT, float(UNIT.size), 4, np.zeros((), np.int64))
    np.testing.assert_array_equal(rounder.plan("from_x", UNIT, 1.0).weights.integers, nearest.integers)
    straight = rounder.plan("straight", UNIT, 1.0)
    assert int(straight.weights.integers) == straight.magnitude == round(0.7 / float(UNIT.size))
