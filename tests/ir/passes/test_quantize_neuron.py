"""The integer neuron fires where the source's does, ties included, and refuses what it cannot do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hw_profiles
from ir.errors import CompileError
from ir.graph import Node, Where
from ir.ops import Lif
from ir.passes.quantize_neuron import compare, integer_neuron, membrane_of
from ir.types import SPIKE, Type

ARITHMETIC = hw_profiles.load("loihi2").arithmetic


def node_of(op):
    return Node("n", op, ("x",), Type((1,), SPIKE), (), Where("block.lif"))


def spikes(op, currents, unit=Fraction(1)):
    """(source's spikes, chip's spikes) on integer currents of that unit."""
    membrane = membrane_of(node_of(op))
    steps = len(currents)
    comparison = compare(membrane, membrane.threshold / unit, True, steps, ARITHMETIC)
    chip = integer_neuron(op, membrane, comparison.vth, 1 << 22, ARITHMETIC)
    source = op.run((currents.astype(np.float64) * float(unit),), {}, steps)
    return source, chip.run((currents,), {"bias": np.array([comparison.bias])}, steps), comparison


@settings(max_examples=200)
@given(
    st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([0.5, 1.0, 0.0]), st.sampled_from([">=", ">"]),
    st.integers(1, 24), st.sampled_from([1.0, 0.5]),
)  # fmt: skip
def test_ties_fall_as_in_the_source(steps, seed, decay, comparator, threshold, gain):
    op = Lif(decay, gain=gain, form="sum", threshold=threshold * gain, comparator=comparator)
    currents = np.random.default_rng(seed).integers(-threshold, threshold + 1, (steps, 500, 1))
    source, chip, comparison = spikes(op, currents)
    assert comparison.exact
    assert np.array_equal(source, chip)


def test_the_attention_neuron_is_v_at_least_eight():
    op = Lif(0.5, threshold=0.5)
    membrane = membrane_of(node_of(op))
    comparison = compare(membrane, membrane.threshold / Fraction(1, 8), True, 2, ARITHMETIC)
    chip = integer_neuron(op, membrane, comparison.vth, 10**6, ARITHMETIC)
    assert (chip.du, chip.dv, chip.vth, comparison.bias) == (4095, 2048, 8, 1)


@given(st.integers(1, 6), st.integers(0, 10**6))
def test_spikingjellys_neuron_on_counts(steps, seed):
    currents = np.random.default_rng(seed).integers(0, 9, (steps, 500, 1))
    source, chip, _ = spikes(Lif(0.5, threshold=0.5), currents, Fraction(1, 8))
    assert np.array_equal(source, chip)
    assert source.any()


def test_long_windows_are_not_called_exact():
    membrane = membrane_of(node_of(Lif(0.5)))
    assert [compare(membrane, Fraction(8), True, steps, ARITHMETIC).exact for steps in (6, 7, 0)] == [
        True,
        False,
        False,
    ]


def test_memoryless_gates_use_the_legal_decay_only_where_it_forgets():
    op = Lif(1.0, form="sum", threshold=2.0)
    membrane = membrane_of(node_of(op))
    assert integer_neuron(op, membrane, 1, 63 << 6, ARITHMETIC).dv == 4095
    assert integer_neuron(op, membrane, 1, 64 << 6, ARITHMETIC).dv == 4096


def test_a_leak_becomes_a_drift():
    membrane = membrane_of(node_of(Lif(0.5, gain=2.0, leak=0.5)))
    assert (membrane.drift, membrane.threshold) == (Fraction(1, 4), Fraction(1))


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (Lif(0.5, reset="subtract"), "quantize.reset"),
        (Lif(0.5, reset="none"), "quantize.reset"),
        (Lif(0.5, v_reset=0.25), "quantize.reset"),
        (Lif(0.5, gain=-1.0), "quantize.gain"),
        (Lif(0.0), "quantize.gain"),
        (Lif(0.5, threshold=0.0), "quantize.threshold"),
    ],
)
def test_what_the_chip_cannot_do_is_refused_with_the_place(op, rule):
    with pytest.raises(CompileError, match=r"block\.lif") as caught:
        membrane_of(node_of(op))
    assert caught.value.rule == rule
