"""Rounded numbers fit their fields, and the reported errors are the real ones; the grid finder is exact on grids, silent off them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hw_profiles
from ir.quantize.weights import joint_quantum, quantum_of, round_bias, round_weights, weight_statistics

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
NONE = np.zeros((), np.int64)
FLOATS = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6))


@given(FLOATS, st.floats(1e-3, 1e3), st.integers(2, 12))
def test_weights_stay_in_range_and_within_half_a_unit(weights, unit, bits):
    rounded = round_weights(weights, unit, bits, NONE)
    top = 1 << (bits - 1)
    assert rounded.integers.min() >= -top
    assert rounded.integers.max() <= top - 1
    inside = np.abs(weights / unit) < top - 1
    assert np.all(np.abs(rounded.integers - weights / unit)[inside] <= 0.5)
    assert rounded.saturated <= np.count_nonzero(~inside)


def test_weights_use_both_ends_of_eight_bits_and_say_what_saturates():
    rounded = round_weights(np.array([-130.0, -128, 127, 128, 0.4]), 1.0, 8, NONE)
    assert rounded.integers.tolist() == [-128, -128, 127, 127, 0]
    assert rounded.integers.dtype == np.int8
    assert rounded.saturated == 2


def test_rows_have_exponents_of_their_own():
    weights = np.array([[100.0, -3.0], [1000.0, 70.0], [0.0, 0.0]])
    rounded = round_weights(weights, 1.0, 8, np.array([0, 3, 0]))
    assert rounded.integers.tolist() == [[100, -3], [1000, 72], [0, 0]]
    assert rounded.error == pytest.approx(2 / np.sqrt((weights**2).sum()))
    assert (rounded.mantissa, rounded.saturated) == (125, 0)


def test_the_error_is_relative_and_zero_on_the_grid():
    assert round_weights(np.array([3.0, -4.0]), 1.0, 8, NONE).error == 0
    assert round_weights(np.array([3.0, -4.5]), 1.0, 8, NONE).error == pytest.approx(0.5 / np.hypot(3, 4.5))


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6)))
def test_biases_are_a_mantissa_and_an_exponent(bias):
    integers = round_bias(bias, ARITHMETIC).integers.astype(np.int64)
    top, most = (1 << (ARITHMETIC.bias_mantissa_bits - 1)) - 1, ARITHMETIC.bias_exponent_max
    for value in integers:
        zeros = most if value == 0 else min(most, (int(value) & -int(value)).bit_length() - 1)
        assert abs(int(value)) >> zeros <= top
    inside = np.abs(bias) <= top << most
    assert np.all(np.abs(integers - bias)[inside] <= np.maximum(0.5, np.abs(bias)[inside] / top))


def test_biases_are_multiples_of_what_the_least_exponent_makes():
    whole = replace(ARITHMETIC, bias_exponent_min=6, bias_exponent_max=6)
    rounded = round_bias(np.array([1.0, 33.0, -97.0, 1e6]), whole)
    assert rounded.integers.tolist() == [0, 64, -128, 4095 << 6]
    assert rounded.saturated == 1


def test_biases_beyond_the_field_saturate_and_are_counted():
    rounded = round_bias(np.array([1e6, -1e6, 5.0]), ARITHMETIC)
    assert rounded.integers.tolist() == [4095 << 7, -(4095 << 7), 5]
    assert rounded.saturated == 2


@given(st.lists(st.integers(-127, 127).filter(bool), min_size=1), st.integers(-20, 20))
def test_dyadic_multiples_are_found(integers, exponent):
    weights = np.array(integers) * 2.0**exponent
    assert quantum_of(weights, 127) == int(np.gcd.reduce(integers)) * Fraction(2) ** exponent


@given(st.integers(128, 10**6))
def test_one_level_too_many_is_no_grid(top):
    assert quantum_of(np.array([1.0, top]), top) == 1
    assert quantum_of(np.array([1.0, top]), top - 1) is None


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_least_mantissa_is_one_more_below_zero(bits: int):
    narrow, top = replace(ARITHMETIC, weight_bits=bits), 1 << (bits - 1)
    both = np.array([[-top, 1], [0, top - 1]]) / 8
    assert quantum_of(both, top - 1) is None
    like = weight_statistics(both, narrow)
    assert (like.quantum, like.largest) == (Fraction(1, 8), (top - 1) / 8)
    assert like.rows.tolist() == [(top - 1) / 8] * 2
    mirrored, apart = weight_statistics(-both, narrow), weight_statistics(both * np.array([[1], [1024]]), narrow)
    assert (mirrored.quantum, mirrored.largest) == (None, top / 8), "there is none above"
    assert apart.row_quanta[0] == Fraction(1, 8)
    assert apart.rows[0] == (top - 1) / 8


def test_trained_weights_lie_on_no_grid():
    assert quantum_of(np.random.default_rng(0).normal(size=20000).astype(np.float32), 127) is None


def test_a_late_odd_one_out_is_seen():
    weights = np.ones(20000)
    weights[-1] = 0.1
    assert quantum_of(weights, 127) is None


def test_zeros_fit_every_grid():
    assert quantum_of(np.zeros(3), 127) == 0
    assert joint_quantum([Fraction(0), Fraction(3, 8)]) == Fraction(3, 8)


@given(st.lists(st.fractions(min_value="1/1000", max_value=1000), min_size=1, max_size=4))
def test_the_joint_quantum_divides_all_and_is_the_largest(quanta):
    joint = joint_quantum(quanta)
    multiples = [q / joint for q in quanta]
    assert all(m.denominator == 1 for m in multiples)
    assert gcd(*(m.numerator for m in multiples)) == 1


@given(FLOATS, st.floats(1e-3, 1e3))
def test_scaled_statistics_are_those_of_scaled_weights(weights, scale):
    scaled, real = weight_statistics(weights, ARITHMETIC).scaled(scale), weight_statistics(weights * scale, ARITHMETIC)
    assert scaled.largest == real.largest
    assert scaled.rms == pytest.approx(real.rms)
    assert weight_statistics(np.array([0.5, -0.25]), ARITHMETIC).scaled(0.5).quantum == Fraction(1, 8)


def test_rows_have_grids_where_all_of_them_have_one():
    rows = np.array([[0.5, -1.5], [0.0, 0.0], [100.0, 300.0], [1 / 1024, 3 / 1024]])
    like = weight_statistics(rows, ARITHMETIC)
    assert like.quantum is None
    assert like.row_quanta == (Fraction(1, 2), Fraction(0), Fraction(100), Fraction(1, 1024))
    assert [(part.largest, part.quantum) for part in like.scaled(0.5).row_by_row()][2] == (150.0, Fraction(50))
    assert weight_statistics(np.array([[0.5, 1.0], [0.1, 0.2000001]]), ARITHMETIC).row_quanta == ()
    (whole,) = weight_statistics(rows[:2], ARITHMETIC).row_by_row()
    assert (whole.quantum, whole.row_quanta) == (Fraction(1, 2), ())


def test_units_that_are_no_floats_round_nothing_that_is_whole():
    """49 of 1 / 49, and other parts of 1, are not whole in float64."""
    off = list[bool]()
    for parts in range(1, 128):
        levels = np.arange(-(127 // parts), 127 // parts + 1, dtype=np.float32)
        rounded = round_weights(levels, 1 / parts, 8, NONE)
        assert np.array_equal(rounded.integers, levels * parts)
        assert rounded.error == 0
        off.append(bool(np.any(levels.astype(np.float64) / (1 / parts) != levels * parts)))
    assert any(off)
    assert round_weights(np.array([1.0, 1 + 1e-12]), 1.0, 8, NONE).error > 0
