"""Units: exact where they can be, inside every field where they cannot."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.quantize.units import FiringAmounts, LargestValues, choose_unit, finest_unit
from ir.quantize.weights import WeightStatistics, weight_statistics

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
SIZES = st.floats(1e-4, 1e4)


@given(SIZES, st.fractions(min_value="1/100", max_value=1000), st.booleans())
def test_trained_weights_fit_and_the_threshold_is_whole(largest, threshold, whole):
    weights = np.random.default_rng(0).normal(size=50) * largest
    part = weight_statistics(weights, ARITHMETIC)
    finest = float(threshold) / 131071
    unit = choose_unit((part,), finest, FiringAmounts(threshold, whole), ARITHMETIC)
    assert (threshold / unit).denominator == 1
    assert 1 <= threshold / unit <= 131071
    assert part.largest / float(unit) <= 127.0001 or unit == threshold


def test_counts_times_an_eighth_keep_weight_one_and_threshold_eight():
    unit = choose_unit((weight_statistics(0.125, ARITHMETIC),), 0.0, FiringAmounts(Fraction(1), False), ARITHMETIC)
    assert unit == Fraction(1, 8)


def test_a_finer_grid_holds_a_threshold_between_two_weights():
    unit = choose_unit((weight_statistics(1.0, ARITHMETIC),), 0.0, FiringAmounts(Fraction(5, 2), False), ARITHMETIC)
    assert unit == Fraction(1, 2)


def test_a_whole_membrane_needs_no_whole_threshold():
    third = Fraction(1, 3) + Fraction(1, 1 << 40)
    assert choose_unit((weight_statistics(1.0, ARITHMETIC),), 0.0, FiringAmounts(third, True), ARITHMETIC) == 1


@given(SIZES, SIZES, SIZES)
def test_calibrated_values_fit_twice_over(current, threshold, bias):
    unit = finest_unit(LargestValues(current, 1.5, threshold, bias), ARITHMETIC)
    assert 2 * current / unit <= (1 << 17) * 1.0001
    assert threshold / unit <= ((1 << 17) - 1) * 1.0001
    assert 64 * bias / unit <= (4095 << 7) * 1.0001


def test_a_bias_on_a_finer_grid_makes_the_unit_finer_where_the_weights_allow_it():
    weights = WeightStatistics(1.0, 0.5, Fraction(1, 8))
    amounts = FiringAmounts(Fraction(2), is_whole=False)
    assert choose_unit((weights,), 0.0, amounts, ARITHMETIC) == Fraction(1, 8)
    finer = replace(amounts, constants=Fraction(3, 64))
    assert choose_unit((weights,), 0.0, finer, ARITHMETIC) == Fraction(1, 64)
    too_fine = replace(amounts, constants=Fraction(1, 1024))
    assert choose_unit((weights,), 0.0, too_fine, ARITHMETIC) == Fraction(1, 8)
