"""The integer neuron fires where the source's does, ties included, and refuses what it cannot do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hw_profiles
from ir.errors import CompileError
from ir.graph import Node, Provenance
from ir.ops import Lif
from ir.quantize.integers.integer_neurons import integer_lif
from ir.quantize.integers.populations import MembranePopulation
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.neurons.normalize import normalized_membrane
from ir.quantize.units.choose_unit import Unit
from ir.types import SPIKE, Type

ARITHMETIC = hw_profiles.load("loihi2").arithmetic


def node_of(op):
    return Node("n", op, ("x",), Type((1,), SPIKE), (), Provenance("block.lif"))


def integer_neuron(op, unit=Fraction(1), steps=2, current=1 << 16):
    """The chip's neuron, the bias that breaks its ties, and whether they fall as in the source."""
    neurons = DistinctNeurons((normalized_membrane(node_of(op)),), np.zeros((), np.int64))
    real = MembranePopulation(node_of(op), neurons, np.zeros(1), Unit(unit), steps, current, ARITHMETIC)
    integers = integer_lif(real)
    return integers.op, integers.bias.integers, integers.exact


def spikes(op, currents, unit=Fraction(1)):
    """(source's spikes, chip's spikes) on integer currents of that unit."""
    steps = len(currents)
    chip, bias, exact = integer_neuron(op, unit, steps)
    source = op.run((currents.astype(np.float64) * float(unit),), {}, steps)
    return source, chip.run((currents,), {"bias": bias}, steps), exact


@settings(max_examples=200)
@given(
    st.integers(1, 6),
    st.integers(0, 10**6),
    st.sampled_from([0.5, 1.0, 0.0]),
    st.sampled_from([">=", ">"]),
    st.integers(1, 24),
    st.sampled_from([1.0, 0.5]),
    st.sampled_from(["value", "subtract", "none"]),
)
def test_ties_fall_as_in_the_source(steps, seed, decay, comparator, threshold, gain, reset):
    op = Lif(decay, gain=gain, form="sum", threshold=threshold * gain, comparator=comparator, reset=reset)
    currents = np.random.default_rng(seed).integers(-threshold, threshold + 1, (steps, 500, 1))
    source, chip, exact = spikes(op, currents)
    assert exact
    assert np.array_equal(source, chip)


@given(
    st.integers(-24, 0),
    st.sampled_from([">=", ">"]),
    st.sampled_from(["value", "subtract", "none"]),
    st.integers(0, 999),
)
def test_memoryless_neurons_may_fire_without_input(threshold, comparator, reset, seed):
    op = Lif(1.0, form="sum", threshold=float(threshold), comparator=comparator, reset=reset)
    currents = np.random.default_rng(seed).integers(-30, 31, (3, 200, 1))
    source, chip, exact = spikes(op, currents)
    assert exact
    assert np.array_equal(source, chip)


def test_the_attention_neuron_is_v_at_least_eight():
    op = Lif(0.5, threshold=0.5)
    chip, bias, _ = integer_neuron(op, Fraction(1, 8))
    assert (chip.du, chip.dv, chip.vth, bias.tolist()) == (4095, 2048, 8, [1])


@given(st.integers(1, 6), st.integers(0, 10**6))
def test_spikingjellys_neuron_on_counts(steps, seed):
    currents = np.random.default_rng(seed).integers(0, 9, (steps, 500, 1))
    source, chip, _ = spikes(Lif(0.5, threshold=0.5), currents, Fraction(1, 8))
    assert np.array_equal(source, chip)
    assert source.any()


def test_long_windows_are_not_called_exact():
    op = Lif(0.5, threshold=4.0)
    assert [integer_neuron(op, steps=steps)[2] for steps in (6, 7, 0)] == [True, False, False]


def test_memoryless_gates_use_the_legal_decay_only_where_it_forgets():
    op = Lif(1.0, form="sum", threshold=2.0)
    assert integer_neuron(op, current=63)[0].dv == 4095
    assert integer_neuron(op, current=64)[0].dv == 4096


def test_membranes_stand_for_the_source_s_in_scale_and_zero():
    numbers = lambda *ops: DistinctNeurons(
        tuple(normalized_membrane(node_of(op)) for op in ops), np.zeros(())
    ).in_units(Fraction(1, 8))
    half = Lif(0.5, v_reset=0.25)
    assert numbers(half) == (1 / 16, 0.25)
    assert numbers(Lif(1.0, form="sum", threshold=-2.0)) == (1 / 8, -4.0), "raised by 4, to fire above 2"
    assert numbers(half, half) == numbers(half)


def test_membranes_of_different_neurons_have_scales_and_zeros_of_their_own():
    ops = (Lif(0.5, v_reset=0.25), Lif(0.25, v_reset=0.5), Lif(0.25, v_reset=0.25))
    neurons = DistinctNeurons(tuple(normalized_membrane(node_of(op)) for op in ops), np.array([[0], [2], [1], [0]]))
    scale, zero = neurons.in_units(Fraction(1, 8))
    assert np.array_equal(scale, [[1 / 16], [1 / 32], [1 / 32], [1 / 16]])
    assert np.array_equal(zero, [[0.25], [0.25], [0.5], [0.25]])


def test_a_leak_becomes_a_drift():
    membrane = normalized_membrane(node_of(Lif(0.5, gain=2.0, leak=0.5)))
    assert (membrane.drift, membrane.threshold) == (Fraction(1, 4), Fraction(1))


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (Lif(1.5), "quantize.decay"),
        (Lif(0.5, current_decay=1.25), "quantize.decay"),
        (Lif(0.5, threshold=0.0), "quantize.threshold"),
        (Lif(0.5, v_reset=1.0), "quantize.threshold"),
        (Lif(0.5, threshold=0.0, comparator=">", reset="subtract"), "quantize.threshold"),
    ],
)
def test_what_the_chip_cannot_do_is_refused_with_the_place(op, rule):
    with pytest.raises(CompileError, match=r"block\.lif") as caught:
        normalized_membrane(node_of(op))
    assert caught.value.rule == rule
