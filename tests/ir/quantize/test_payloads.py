"""Scales of payloads: shared out fairly with the weights that read them, and inside every field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.analysis.wiring import wiring_of
from ir.graph import GraphBuilder
from ir.ops import Graded, Input, Slice, Synapse
from ir.quantize.calibration import ValueStatistics
from ir.quantize.payloads import (
    compared_payloads,
    input_scale,
    is_difference,
    payload_bits,
    payload_scale,
    payload_shift,
)
from ir.quantize.weights import weight_statistics

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
SIZES = st.floats(1e-4, 1e4)


@given(SIZES, SIZES)
def test_payload_and_weight_share_the_levels(rms, finest):
    reader = weight_statistics(np.random.default_rng(1).normal(size=50), ARITHMETIC)
    scale = payload_scale(reader, ValueStatistics(rms, rms, 0.0), finest, True, ARITHMETIC)
    levels = min(127.0, reader.largest * scale / finest)
    weight_error, payload_error = reader.largest / levels / reader.rms, scale / rms
    assert levels == pytest.approx(127) or weight_error == pytest.approx(payload_error)


def test_ternary_weights_share_with_their_exponents():
    """Else payloads beside spikes were so fine that the weights of both had no unit in common."""
    weights, like = np.array([[1.0, -1.0, 0.0]]), ValueStatistics(1e4, 1e4, 0.0)
    scales = [
        payload_scale(weight_statistics(weights, to), like, 1.0, False, to)
        for to in (ARITHMETIC, replace(ARITHMETIC, weight_bits=2))
    ]
    assert scales[0] == scales[1]
    alone = replace(ARITHMETIC, weight_bits=2, weight_exponent_max=0)
    assert payload_scale(weight_statistics(weights, alone), like, 1.0, False, alone) == 1


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


def test_an_input_on_a_grid_keeps_it_where_that_suits_the_readers():
    on_grid = ValueStatistics(3.0, 1.0, 0.0, quantum=0.25)
    assert input_scale(0.001, on_grid, 24) == 0.25
    assert input_scale(0.3, on_grid, 24) == 0.5, "finer payloads would cost the weights bits"
    assert input_scale(0.001, on_grid, 4) == 1.0, "the grid does not fit the payload"
    assert input_scale(0.001, ValueStatistics(3.0, 1.0, 0.0), 24) == 2.0**-9


def test_what_is_compared_is_found_through_routing():
    b = GraphBuilder("compared", 1)
    x, alone = (b.add(Graded(8), b.add(Synapse(), b.add(Input("spike[4]"), name="i"), name="s"), name=n) for n in "xa")
    halves = [b.add(Slice(0, 2 * k, 2 * k + 2), x, name="half") for k in (0, 1)]
    currents = [b.add(Synapse(weight), half, name="s") for weight, half in zip((1.0, -1.0), halves, strict=True)]
    r = b.add(Graded(8, form="rectified"), *currents, name="r")
    graph = b.build({"r": r, "x": x, "alone": alone})
    assert compared_payloads(graph, wiring_of(graph)) == {"x", "r"}
    assert [name for name in ("x", "r", "i") if is_difference(graph.nodes[name])] == ["r"]
