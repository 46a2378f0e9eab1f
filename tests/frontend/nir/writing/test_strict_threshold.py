"""Thresholds of strict readers: on a grid half a unit lower, elsewhere the next float; both fire as the source does."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from frontend.nir.writing.strict_threshold import lowest_bit, strict_threshold
from ir.ops import Lif


@given(st.lists(st.integers(-(1 << 20), 1 << 20), min_size=1, max_size=5), st.integers(-30, 30))
def test_lowest_bit(numbers: list[int], exponent: int) -> None:
    values = np.array(numbers) * 2.0**exponent
    bit = lowest_bit(values)
    scaled = values / 2.0**bit
    assert (scaled == np.round(scaled)).all()
    if any(numbers):
        assert not (scaled / 2 == np.round(scaled / 2)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1.0, 0.5, 0.25, 0.0]),
    st.sampled_from(["euler", "sum"]),
    st.sampled_from([0.5, 1.0, 2.0, 3.0]),
    st.integers(1, 5),
    st.integers(0, 1000),
)
def test_strict_thresholds_fire_alike_in_both_precisions(
    decay: float, form: str, theta: float, steps: int, seed: int
) -> None:
    op = Lif(decay=decay, form=form, threshold=theta)
    rng = np.random.default_rng(seed)
    weights = rng.integers(-4, 5, size=(8, 5)).astype(np.float32) / 4
    threshold, _ = strict_threshold(op, [weights], steps, on_spikes=True)
    strict = replace(op, threshold=threshold, comparator=">")
    currents = (rng.random((steps, 64, 5)) < 0.5).astype(np.float32) @ weights.T
    for dtype in (np.float32, np.float64):
        x = currents.astype(dtype)
        np.testing.assert_array_equal(op.run((x,), {}, steps), strict.run((x,), {}, steps))


def test_weights_off_the_grid_take_the_next_float() -> None:
    op = Lif(decay=0.5)
    threshold, text = strict_threshold(op, [np.array([[0.1, 0.7]], np.float32)], 2, on_spikes=True)
    assert threshold == np.nextafter(np.float32(1), np.float32(0))
    assert "float32" in text
    assert strict_threshold(op, [np.eye(2)], 2, on_spikes=False)[0] == threshold
    assert strict_threshold(op, [np.eye(2)], 0, on_spikes=True)[0] == threshold


@pytest.mark.parametrize(
    ("values", "bit"), [([0.0], 0), ([12.0], 2), ([12.0, 0.5], -1), ([3.0, -8.0], 0), ([0.1], -55)]
)
def test_lowest_bits_by_hand(values: list[float], bit: int) -> None:
    assert lowest_bit(np.array(values)) == bit


def test_a_strict_neuron_stays_as_it_is() -> None:
    op = Lif(decay=0.5, threshold=1.25, comparator=">")
    assert strict_threshold(op, [np.eye(2)], 4, on_spikes=True) == (1.25, "strict in the source")


@pytest.mark.parametrize(
    ("op", "weights", "steps", "unit"),
    [
        (Lif(decay=1.0, form="sum"), [1.0, 2.0], 4, 0),  # memoryless: multiples of 1
        (Lif(decay=0.0, form="sum"), [1.0, 0.25], 4, -2),  # adds up: multiples of a quarter
        (Lif(decay=0.5), [1.0], 3, -3),  # halved at every one of three steps
        (Lif(decay=0.5, gain=0.5), [1.0], 3, -5),  # the gain counts twice: as a constant and in the product
    ],
)
def test_the_membrane_s_unit_by_hand(op: Lif, weights: list[float], steps: int, unit: int) -> None:
    threshold, text = strict_threshold(op, [np.array([weights])], steps, on_spikes=True)
    assert threshold == 1 - 2.0 ** (unit - 1)
    assert f"2^{unit}" in text


def test_what_float32_cannot_hold_is_on_no_grid() -> None:
    op = Lif(decay=0.0, form="sum")
    for weights, steps in (([2.0**23], 4), ([2.0**20], 16)):
        assert "exact in float32" in strict_threshold(op, [np.array([weights])], steps, on_spikes=True)[1]
    assert "exact in float64" in strict_threshold(op, [np.array([0.1])], 0, on_spikes=False, dtype="float64")[1]
