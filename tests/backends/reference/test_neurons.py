"""The array kernels equal the operations' definitions, at the edges of the number ranges too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.reference.neurons import (
    burst_spikes,
    inverted_spikes,
    keeps_power_of_two,
    loihi_spikes,
    payload,
    source_spikes,
)
from ir.ops import Burst, Graded, Lif
from ir.ops.loihi import LoihiLif

EDGES = [0, 1, -1, 63, 64, 131071, 131072, -131071, -131072, -131073, 262143, 1 << 20, -(1 << 20)]
CURRENTS = st.one_of(st.sampled_from(EDGES), st.integers(-300, 300), st.integers(-(1 << 24), 1 << 24))


@st.composite
def neurons(draw):
    du = draw(st.sampled_from([4095, 4095, 4094, 2047, 0, -1]))
    dv = draw(st.sampled_from([0, 1, 2048, 3072, 4095, 4096]))
    vth = draw(st.sampled_from([0, 1, 8, 200, (1 << 17) - 1]))
    return LoihiLif(du, dv, vth, 6, 12, 24)


@settings(max_examples=300)
@given(neurons(), st.lists(CURRENTS, min_size=1, max_size=6), st.integers(-524160, 524160), st.booleans())
def test_the_integer_neuron_is_the_operations(op, currents, bias, wide):
    a = np.array(currents, np.int64).reshape(-1, 1, 1)
    wanted = op.run((a,), {"bias": np.array([bias])}, len(currents))
    x = torch.from_numpy(a).to(torch.float64 if wide else torch.float32)
    before = x.clone()
    found = loihi_spikes(op, x, torch.tensor([bias], dtype=torch.float64))
    assert np.array_equal(found.numpy(), wanted)
    assert torch.equal(x, before), "the current was written to"


FITTING = st.one_of(st.sampled_from([0, 1, -1, 63, 64, 131071, -131071]), st.integers(-300, 300))


@settings(max_examples=300)
@given(neurons().filter(keeps_power_of_two), st.lists(FITTING, min_size=1, max_size=6), st.integers(-524160, 524160))
def test_the_fast_kernel_is_the_operations(op, currents, bias):
    a = np.array(currents, np.int64).reshape(-1, 1, 1)
    drive = torch.from_numpy(-(a * 64 + bias)).to(torch.float32)
    assert np.array_equal(inverted_spikes(op, drive, True).numpy(), op.run((a,), {"bias": np.array([bias])}, len(a)))


def test_the_fast_kernel_needs_no_saturation_inside_the_range():
    op, a = LoihiLif(4095, 2048, 8, 6, 12, 24), np.random.default_rng(0).integers(-9, 12, (4, 500, 3))
    drive = torch.from_numpy(-(a * 64 + 1)).to(torch.float32)
    assert np.array_equal(inverted_spikes(op, drive, False).numpy(), op.run((a,), {"bias": np.array([1])}, 4))


@pytest.mark.parametrize(("du", "dv", "fits"), [(4095, 2048, True), (4095, 4096, True), (4095, 0, True), (4095, 4095, True),
                                                (4094, 2048, False), (4095, 1024, False)])  # fmt: skip
def test_which_neurons_float32_holds(du, dv, fits):
    assert keeps_power_of_two(LoihiLif(du, dv, 1, 6, 12, 24)) == fits


@given(
    st.sampled_from([0.5, 1.0, 0.3]), st.sampled_from(["euler", "sum"]), st.sampled_from([">", ">="]),
    st.sampled_from(["value", "subtract", "none"]), st.integers(0, 99),
)  # fmt: skip
def test_the_sources_neuron_is_the_operations(decay, form, comparator, reset, seed):
    x = np.random.default_rng(seed).normal(0.4, 1, (4, 2, 3)).astype(np.float32)
    op = Lif(decay, form=form, comparator=comparator, reset=reset)
    assert np.array_equal(source_spikes(op, torch.from_numpy(x)).numpy(), op.run((x,), {}, 4))


@given(st.lists(st.integers(-5000, 5000), min_size=1), st.integers(2, 12), st.integers(0, 5))
def test_payloads_shift_toward_minus_infinity_and_saturate(values, bits, shift):
    x = np.array(values).reshape(1, 1, -1)
    found = payload(torch.from_numpy(x).float(), bits, shift)
    assert np.array_equal(found.numpy(), Graded(bits, shift).run((x,), {}, 1))


def test_wide_payloads_leave_float32():
    assert payload(torch.zeros(1), 25, 0).dtype == torch.float32
    assert payload(torch.zeros(1), 26, 0).dtype == torch.float64


@pytest.mark.parametrize("micro", [1, 3])
def test_bursts_are_the_operations(micro):
    n = np.arange(6).reshape(1, 2, 3)
    op = Burst(micro)
    assert np.array_equal(burst_spikes(op, torch.from_numpy(n).float()).numpy(), op.run((n,), {}, 1))
