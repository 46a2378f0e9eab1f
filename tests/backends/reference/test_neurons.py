"""The array kernels equal the operations' definitions, at the edges of the number ranges too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.reference.neurons import (
    burst_spikes,
    defined_emission,
    inverted_spikes,
    is_plain,
    keeps_power_of_two,
    loihi_spikes,
    payload,
)
from ir.graph import Node
from ir.ops import Burst, Graded, Lif
from ir.ops.loihi import LoihiLeaky, LoihiLif
from ir.types import SPIKE, Type, graded

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
    node = Node("y", op, ("x",), Type((3,), SPIKE))
    found = defined_emission(node, torch.from_numpy(x), {}, torch.float32)
    assert np.array_equal(found.numpy(), op.run((x,), {}, 4))


@pytest.mark.parametrize(
    ("op", "params", "kind"),
    [
        (LoihiLif(1000, 333, 8, 6, 12, 24, reset="subtract", theta=512, v0=77), {}, Type((3,), SPIKE)),
        (LoihiLif(4095, 333, 8, 6, 12, 24), {"vth": [1, 20, 3], "bias": [5, -900, 70]}, Type((3,), SPIKE)),
        (LoihiLif(4095, 0, 8, 6, 12, 24, theta=512, reset="subtract", max_spikes=3), {}, Type((3,), graded(3))),
        (LoihiLeaky(1000, 333, 6, 12, 24, 24, u0=3), {"dv": [0, 4096, 7]}, Type((3,), graded(24))),
        (LoihiLeaky(1000, 333, 6, 12, 30, 30), {}, Type((3,), graded(30))),
    ],
)
def test_any_integer_neuron_runs_by_its_definition(op, params, kind):
    x = np.random.default_rng(0).integers(-50, 90, (9, 2, 3))
    own = {role: np.array(values) for role, values in params.items()}
    tensors = {role: torch.from_numpy(array) for role, array in own.items()}
    found = defined_emission(Node("y", op, ("x",), kind), torch.from_numpy(x).double(), tensors, torch.int64)
    wanted = op.run((x,), own, 9)
    assert np.array_equal(found.numpy(), wanted)
    assert np.any(wanted)
    assert found.dtype == (torch.float64 if kind.domain.bound > 25 else torch.float32)
    assert not is_plain(op, own) if isinstance(op, LoihiLif) else True


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
