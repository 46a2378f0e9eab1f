"""Units: exact where they can be, inside every field where they cannot."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.quantize.units.amounts import FiringAmounts
from ir.quantize.units.choose_unit import Unit, choose_unit, grid_unit, weight_exponents
from ir.quantize.weights import weight_statistics

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
ONE_EXPONENT = replace(ARITHMETIC, weight_exponent_max=0)
SIZES = st.floats(1e-4, 1e4)


def unit_of(weights: object, firing: FiringAmounts, finest: float = 0.0) -> Fraction:
    """The unit of one projection, on a chip whose weights have no exponents."""
    return choose_unit((weight_statistics(weights, ONE_EXPONENT),), (finest,), firing, ONE_EXPONENT, False).size


@given(SIZES, st.fractions(min_value="1/100", max_value=1000), st.booleans())
def test_trained_weights_fit_and_the_threshold_is_whole(largest, threshold, whole):
    weights = np.random.default_rng(0).normal(size=50) * largest
    unit = unit_of(weights, FiringAmounts(threshold, int(whole)), float(threshold) / 131071)
    assert (threshold / unit).denominator == 1
    assert 1 <= threshold / unit <= 131071
    assert np.abs(weights).max() / float(unit) <= 127.0001 or unit == threshold


def test_counts_times_an_eighth_keep_weight_one_and_threshold_eight():
    unit = unit_of(0.125, FiringAmounts(Fraction(1), 0))
    assert unit == Fraction(1, 8)


def test_a_finer_grid_holds_a_threshold_between_two_weights():
    unit = unit_of(1.0, FiringAmounts(Fraction(5, 2), 0))
    assert unit == Fraction(1, 2)


def test_thresholds_are_as_fine_at_two_bits_as_at_eight():
    """Exponents make up for the mantissa: 1.2 taken for 1 would let a single spike fire."""
    ternary, amounts = replace(ARITHMETIC, weight_bits=2), FiringAmounts(Fraction(6, 5), 0)
    weights = (weight_statistics(1.0, ternary),)
    assert choose_unit(weights, (0.0,), amounts, ternary, False).size == Fraction(1, 128)
    mixed = (weight_statistics(4.0, ternary), *weights)
    assert choose_unit(mixed, (0.0,), amounts, ternary, False).size == Fraction(1, 32), "all exponents are taken"
    assert choose_unit(weights, (1 / 100,), amounts, ternary, False).size == Fraction(1, 64), "no field is left"


def test_a_whole_membrane_needs_no_whole_threshold():
    third = Fraction(1, 3) + Fraction(1, 1 << 40)
    assert unit_of(1.0, FiringAmounts(third, 1)) == 1


def test_a_bias_on_a_finer_grid_makes_the_unit_finer_where_the_weights_allow_it():
    weights = np.array([1.0, 0.125])
    amounts = FiringAmounts(Fraction(2), whole_parts=0)
    assert unit_of(weights, amounts) == Fraction(1, 8)
    finer = replace(amounts, constants=Fraction(3, 64))
    assert unit_of(weights, finer) == Fraction(1, 64)
    too_fine = replace(amounts, constants=Fraction(1, 1024))
    assert unit_of(weights, too_fine) == Fraction(1, 8)


def chosen(
    *weights: object, finest: tuple[float, ...] = (0.0,) * 7, own_rows: bool = False, threshold: int = 1
) -> Unit:
    statistics = tuple(weight_statistics(array, ARITHMETIC) for array in weights)
    return choose_unit(statistics, finest, FiringAmounts(Fraction(threshold), 0), ARITHMETIC, own_rows)


def test_the_weaker_projection_fills_its_mantissas_too():
    strong, weak = np.array([[1.01, -0.3]]), np.array([[0.0371, 0.01]])
    unit = chosen(strong, weak, threshold=2)
    assert 64 <= 0.0371 / float(unit.size) <= 127
    assert weight_exponents(np.array([1.01, 0.0371]), float(unit.size), ARITHMETIC).tolist() == [4, 0]


def test_so_does_the_weakest_row_where_rows_have_exponents():
    rows = np.array([[1.01, -0.3], [0.0371, 0.01], [0.0, 0.0]])
    assert chosen(rows, own_rows=True).size == chosen(rows).size / 16
    unit = chosen(rows, own_rows=True)
    assert weight_exponents(np.abs(rows).max(axis=1), float(unit.size), ARITHMETIC).tolist() == [4, 0, 0]


def test_the_shift_is_narrowed_by_as_much_so_that_a_unit_of_v_stays_what_it_was():
    rows = np.array([[1.01], [0.01]])
    room = tuple(0.004 / (1 << narrowed) for narrowed in range(7))
    shared, unit = chosen(rows, finest=room, threshold=2), chosen(rows, own_rows=True, finest=room, threshold=2)
    assert unit.narrowed == 6
    assert unit.size * (1 << unit.narrowed) == shared.size
    assert room[unit.narrowed] <= unit.size
    assert (2 / unit.size) % (1 << unit.narrowed) == 0, "thresholds are multiples of what the chip's shift is more"
    assert chosen(rows, own_rows=True, finest=room[:1], threshold=2).size == shared.size, "no exponents below zero"


def test_a_grid_beyond_the_range_is_kept_by_a_narrower_shift():
    weights = np.array([1.0, 3.0, 0.5])
    assert chosen(weights, finest=(0.6, 0.3), threshold=4) == Unit(Fraction(1, 2), 1)
    assert chosen(weights, finest=(0.6,), threshold=4).size > Fraction(1, 2)


def test_exact_weights_beyond_the_range_narrow_the_shift_for_thresholds_on_no_grid_too():
    """A membrane of 0.6 at least per unit: levels of 127 keep no power of two of room, their threshold of 300 some steps."""
    weights, threshold = np.array([127.0, 1.0]), Fraction(3001, 10)
    room = tuple(1.5 / (1 << narrowed) for narrowed in range(7))
    plain = FiringAmounts(threshold, 0)
    fine = replace(plain, programmable=True)
    assert grid(weights, room[:1], plain) is None, "no shift to narrow"
    assert grid(weights, room, plain) == Unit(Fraction(1), 1), "thresholds of two units each"
    nearest = grid(weights, room, fine)
    assert nearest is not None
    assert nearest.fine
    assert room[6] <= nearest.size < 2 * room[6], "as fine as v"
    assert (1 / nearest.size).denominator == 1


def test_thresholds_that_are_near_enough_keep_the_shift():
    weights, room = np.array([1.0, 3.0]), tuple(0.01 / (1 << narrowed) for narrowed in range(7))
    near, far = (FiringAmounts(Fraction(amount, 1009), 0, programmable=True) for amount in (32_000, 16_000))
    assert grid(weights, room, near) == Unit(Fraction(1, 84))
    assert grid(weights, room, far) == Unit(Fraction(1, 42 << 7), 6, fine=True)


def grid(weights: object, finest: tuple[float, ...], firing: FiringAmounts) -> Unit | None:
    """The unit of one projection whose weights stay exact."""
    return grid_unit((weight_statistics(weights, ARITHMETIC),), finest, firing, ARITHMETIC, False)


def test_grids_of_projections_that_differ_by_a_power_of_two_stay_exact():
    coarse, fine = np.array([127.0, 64.0, 1.0]), np.array([127.0, 1.0]) / 64
    assert chosen(coarse, fine, threshold=128).size == Fraction(1, 64)
    assert weight_exponents(np.array([127.0, 127 / 64]), 1 / 64, ARITHMETIC).tolist() == [6, 0]


def test_grids_further_apart_than_exponents_stay_exact_where_mantissas_hold_the_rest():
    """2^8 apart, where exponents reach 2^7; and 96 = 3 * 2^5, whose mantissas are multiples of 3."""
    for coarse in ([1 << 11, 1 << 8], [192, 96]):
        assert chosen(np.array(coarse, np.float64), np.array([1.0, 3.0]), threshold=256).size == 1
        exponent = 1 << int(weight_exponents(np.array(float(coarse[0])), 1.0, ARITHMETIC))
        assert [weight % exponent for weight in coarse] == [0, 0]


def test_rows_on_grids_of_their_own_stay_exact_where_rows_have_exponents():
    """Steps of 1/64, 1/4 and 1/2 with mantissas of four bits: together they are no grid of so few levels."""
    narrow = replace(ARITHMETIC, weight_bits=4)
    rows = np.array([[7, -3, 1], [-5, 7, 2], [0, 0, 0], [7, 1, -6]]) * np.array([[1 / 64], [1 / 4], [1.0], [1 / 2]])
    like = (weight_statistics(rows, narrow),)
    firing = FiringAmounts(Fraction(1), 0)
    assert like[0].quantum is None
    assert choose_unit(like, (0.0,) * 7, firing, narrow, True) == Unit(Fraction(1, 64))
    assert weight_exponents(like[0].rows, 1 / 64, narrow).tolist() == [0, 4, 0, 5]
    assert choose_unit(like, (0.0,) * 7, firing, narrow, False).size > Fraction(1, 64), "one exponent for all"


def test_rows_further_apart_than_exponents_lie_on_no_grid():
    narrow = replace(ARITHMETIC, weight_bits=4)
    rows = np.array([[7.0, 5.0], [7.0 * 2**8, 2**8]])
    unit = choose_unit((weight_statistics(rows, narrow),), (0.0,) * 7, FiringAmounts(Fraction(1024), 0), narrow, True)
    assert unit.size > 1
