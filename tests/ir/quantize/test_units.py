"""Units and scales: exact where they can be, inside every field where they cannot."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.quantize.calibration import ValueStatistics
from ir.quantize.units import (
    Firing,
    Needs,
    choose_unit,
    finest_unit,
    input_scale,
    payload_bits,
    payload_scale,
    payload_shift,
    synapses_of,
)

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
SIZES = st.floats(1e-4, 1e4)


@given(SIZES, st.fractions(min_value="1/100", max_value=1000), st.booleans())
def test_trained_weights_fit_and_the_threshold_is_whole(largest, threshold, whole):
    weights = np.random.default_rng(0).normal(size=50) * largest
    part = synapses_of(weights, ARITHMETIC)
    finest = float(threshold) / 131071
    unit = choose_unit((part,), finest, Firing(threshold, whole), ARITHMETIC)
    assert (threshold / unit).denominator == 1
    assert 1 <= threshold / unit <= 131071
    assert part.largest / float(unit) <= 127.0001 or unit == threshold


def test_counts_times_an_eighth_keep_weight_one_and_threshold_eight():
    unit = choose_unit((synapses_of(0.125, ARITHMETIC),), 0.0, Firing(Fraction(1), False), ARITHMETIC)
    assert unit == Fraction(1, 8)


def test_a_finer_grid_holds_a_threshold_between_two_weights():
    unit = choose_unit((synapses_of(1.0, ARITHMETIC),), 0.0, Firing(Fraction(5, 2), False), ARITHMETIC)
    assert unit == Fraction(1, 2)


def test_a_whole_membrane_needs_no_whole_threshold():
    third = Fraction(1, 3) + Fraction(1, 1 << 40)
    assert choose_unit((synapses_of(1.0, ARITHMETIC),), 0.0, Firing(third, True), ARITHMETIC) == 1


@given(SIZES, SIZES, SIZES)
def test_calibrated_values_fit_twice_over(current, threshold, bias):
    unit = finest_unit(Needs(current, 1.5, threshold, bias), ARITHMETIC)
    assert 2 * current / unit <= (1 << 17) * 1.0001
    assert threshold / unit <= ((1 << 17) - 1) * 1.0001
    assert 64 * bias / unit <= (4095 << 7) * 1.0001


@given(SIZES, SIZES)
def test_payload_and_weight_share_the_levels(rms, finest):
    reader = synapses_of(np.random.default_rng(1).normal(size=50), ARITHMETIC)
    scale = payload_scale(reader, ValueStatistics(rms, rms, 0.0), finest, True, ARITHMETIC)
    levels = min(127.0, reader.largest * scale / finest)
    weight_error, payload_error = reader.largest / levels / reader.rms, scale / rms
    assert levels == pytest.approx(127) or weight_error == pytest.approx(payload_error)


@given(st.floats(0, 1e4), SIZES, st.integers(4, 24))
def test_input_scales_are_powers_of_two_that_fit(wanted, emitted, bits):
    scale = input_scale(wanted, ValueStatistics(emitted, emitted, 0.0), bits)
    assert np.frexp(scale)[0] == 0.5
    assert scale >= wanted
    assert 2 * emitted / scale <= 1 << (bits - 1)


@given(st.integers(0, 1 << 22))
def test_payload_bits_hold_the_largest_and_not_much_more(largest):
    bits = payload_bits(largest, 24)
    assert largest <= (1 << (bits - 1)) - 1
    assert bits == 2 or 2 * largest >= (1 << (bits - 1)) - 1


@given(SIZES, SIZES, SIZES, st.integers(8, 24))
def test_shifted_payloads_fit(wanted, unit, emitted, bits):
    shift = payload_shift(wanted, unit, ValueStatistics(emitted, emitted, 0.0), bits)
    assert shift >= 0
    assert 2 * emitted / unit / 2**shift <= (1 << (bits - 1)) * 1.0001
