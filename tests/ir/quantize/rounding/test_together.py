"""Rounded together, weights cost no more than the nearest do, never less than the best of all, and what is cut off costs less than it saves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.quantize.rounding.together import mantissas_together, round_together
from ir.quantize.weights import round_weights

NONE = np.zeros((), np.int64)


def cost(integers: np.ndarray, weights: np.ndarray, unit: float, products: np.ndarray) -> np.ndarray:
    errors = (integers * unit - weights).reshape(len(weights), -1)
    return np.einsum("oi,ij,oj->o", errors, products, errors)


def correlated(rng: np.random.Generator, inputs: int) -> np.ndarray:
    """The products of rows that share causes, as spikes of one layer do."""
    rows = (rng.normal(size=(64, inputs)) + 2 * rng.normal(size=(64, 1)) > 1).astype(np.float64)
    return rows.T @ rows / 64


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 8))
def test_no_row_costs_more_than_with_the_nearest(seed: int, inputs: int, bits: int):
    rng = np.random.default_rng(seed)
    weights, products = rng.normal(size=(5, inputs)), correlated(rng, inputs)
    unit = float(np.abs(weights).max()) / ((1 << (bits - 1)) - 1)
    together, nearest = round_together(weights, unit, bits, NONE, products), round_weights(weights, unit, bits, NONE)
    ours, theirs = (cost(each.integers, weights, unit, products) for each in (together, nearest))
    assert np.all(ours <= theirs + 1e-12)
    assert together.mantissa <= 1 << (bits - 1)
    assert together.error == pytest.approx(
        np.sqrt(np.sum((together.integers * unit - weights) ** 2) / np.sum(weights**2))
    )


def test_no_row_costs_less_than_the_best_of_all_and_most_come_near_it():
    rng = np.random.default_rng(3)
    weights, products = rng.normal(size=(40, 6)), correlated(rng, 6)
    together = cost(round_together(weights, 1.0, 4, NONE, products).integers, weights, 1.0, products)
    nearest = cost(round_weights(weights, 1.0, 4, NONE).integers, weights, 1.0, products)
    every = np.array(list(product((0, 1), repeat=6)))
    best = np.array([cost(np.floor(row) + every, np.tile(row, (64, 1)), 1.0, products).min() for row in weights])
    wider = np.array(list(product((-1, 0, 1, 2), repeat=6)))
    least = np.array([cost(np.floor(row) + wider, np.tile(row, (4096, 1)), 1.0, products).min() for row in weights])
    assert np.all(together >= least - 1e-12)
    assert together.mean() - best.mean() < 0.2 * (nearest.mean() - best.mean())


def test_inputs_that_fire_together_share_what_is_rounded():
    together = round_together(np.array([[0.4, 0.4, 0.4, -0.2]]), 1.0, 8, NONE, np.ones((4, 4)))
    assert together.integers.sum() == 1
    assert together.integers.dtype == np.int8


def test_inputs_without_anything_in_common_are_rounded_to_the_nearest():
    weights = np.random.default_rng(0).normal(size=(4, 2, 3)) * 20
    together = round_together(weights, 1.0, 8, NONE, np.diag(np.arange(6.0)))
    np.testing.assert_array_equal(together.integers, np.rint(weights))


def test_silence_is_rounded_to_the_nearest():
    weights = np.array([[0.4, 0.4]])
    np.testing.assert_array_equal(round_together(weights, 1.0, 8, NONE, np.zeros((2, 2))).integers, [[0, 0]])


@pytest.mark.parametrize(("power", "integers"), [(0.0, [[3, 3, 3]]), (1.0, [[24, 0, 0]])])
def test_a_large_weight_is_cut_off_where_its_input_hardly_fires(power: float, integers: list[list[int]]):
    """Mantissas of 3 bits: 24 is 3 x 8, and beside it there is 0 or 8; without its exponent, all are 3 at most."""
    products = np.diag([power, 1.0, 1.0])
    rounded = round_together(np.array([[22.0, 3.0, 3.0]]), 1.0, 3, np.array([3]), products)
    assert rounded.integers.tolist() == integers
    assert rounded.saturated == (power == 0)


def test_one_exponent_of_all_rows_suits_them_together():
    weights, products = np.array([[22.0, 3.0], [3.0, 3.0]]), np.diag([0.0, 1.0])
    assert round_together(weights, 1.0, 3, np.array(3), products).integers.tolist() == [[3, 3], [3, 3]]


def test_mantissas_keep_to_their_bounds_in_steps_of_powers_of_two():
    rng = np.random.default_rng(0)
    weights, products = rng.normal(size=(6, 9)) * np.array([[1], [1], [2], [2], [4], [4]]), correlated(rng, 9)
    mantissas, steps = mantissas_together(weights.T, 0.25, (-1, 1), np.array([1, 1, 2, 2, 3, 3]), products)
    assert set(np.unique(mantissas)) == {-1, 0, 1}
    assert {*steps} <= {0.25, 0.5, 1.0, 2.0}
    assert np.all(
        cost(mantissas.T, weights / steps[:, None], 1.0, products)
        < cost(np.zeros((6, 9)), weights / steps[:, None], 1.0, products)
    )
