"""The grid finder: exact on grids, silent off them."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir.quantize.grid import joint_quantum, quantum_of


@given(st.lists(st.integers(-127, 127).filter(bool), min_size=1), st.integers(-20, 20))
def test_dyadic_multiples_are_found(integers, exponent):
    weights = np.array(integers) * 2.0**exponent
    assert quantum_of(weights, 127) == int(np.gcd.reduce(integers)) * Fraction(2) ** exponent


@given(st.integers(128, 10**6))
def test_one_level_too_many_is_no_grid(top):
    assert quantum_of(np.array([1.0, top]), top) == 1
    assert quantum_of(np.array([1.0, top]), top - 1) is None


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
