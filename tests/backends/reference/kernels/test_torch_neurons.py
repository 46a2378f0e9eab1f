"""The chip's neurons in plain torch equal the operations' definitions, at the edges of the number ranges too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.reference.kernels.torch_neurons import (
    TorchWrappingSpikes,
    burst_spikes,
    defined_emission,
    integer_lif_spikes,
    inverted_spikes,
    keeps_power_of_two,
)
from backends.reference.kernels.values import OwnNumbers, travel_dtype
from ir.analysis.plain_neurons import plain_lif
from ir.graph import Node
from ir.ops import Burst, Lif
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.types import SPIKE, Type, graded

EDGES = [0, 1, -1, 63, 64, 131071, 131072, -131071, -131072, -131073, 262143, 1 << 20, -(1 << 20)]


CURRENTS = st.one_of(st.sampled_from(EDGES), st.integers(-300, 300), st.integers(-(1 << 24), 1 << 24))


@st.composite
def neurons(draw):
    du = draw(st.sampled_from([4095, 4095, 4094, 2047, 0, -1]))
    dv = draw(st.sampled_from([0, 1, 2048, 3072, 4095, 4096]))
    vth = draw(st.sampled_from([0, 1, 8, 200, (1 << 17) - 1]))
    return IntegerLif(du, dv, vth, 6, 12, 24)


@pytest.mark.slow
@settings(max_examples=300)
@given(neurons(), st.lists(CURRENTS, min_size=1, max_size=6), st.integers(-524160, 524160), st.booleans())
def test_the_integer_neuron_is_the_operations(op, currents, bias, wide):
    a = np.array(currents, np.int64).reshape(-1, 1, 1)
    wanted = op.run((a,), {"bias": np.array([bias])}, len(currents))
    lower = op.run((a,), {"bias": np.array([bias]), "vth": np.array([op.vth // 2])}, len(currents))
    x = torch.from_numpy(a).to(torch.float64 if wide else torch.float32)
    before = x.clone()
    found = integer_lif_spikes(op, x, OwnNumbers(torch.tensor([bias], dtype=torch.float64)))
    assert np.array_equal(found.numpy(), wanted)
    own = (torch.tensor([number], dtype=torch.float64) for number in (bias, op.vth // 2 << 6))
    found = integer_lif_spikes(op, x, OwnNumbers(*own))
    assert np.array_equal(found.numpy(), lower)
    assert torch.equal(x, before), "the current was written to"


@pytest.mark.parametrize(
    ("du", "dv", "fits"),
    [
        (4095, 2048, True),
        (4095, 4096, True),
        (4095, 0, True),
        (4095, 4095, True),
        (4094, 2048, True),
        (4095, 1024, False),
    ],
)
def test_which_neurons_float32_holds(du, dv, fits):
    assert keeps_power_of_two(IntegerLif(du, dv, 1, 6, 12, 24)) == fits


@given(
    st.sampled_from([0.5, 1.0, 0.3]),
    st.sampled_from(["euler", "sum"]),
    st.sampled_from([">", ">="]),
    st.sampled_from(["value", "subtract", "none"]),
    st.integers(0, 99),
)
def test_the_sources_neuron_is_the_operations(decay, form, comparator, reset, seed):
    x = np.random.default_rng(seed).normal(0.4, 1, (4, 2, 3)).astype(np.float32)
    op = Lif(decay, form=form, comparator=comparator, reset=reset)
    node = Node("y", op, ("x",), Type((3,), SPIKE))
    found = defined_emission(node, torch.from_numpy(x), {}, torch.float32)
    assert np.array_equal(found.numpy(), op.run((x,), {}, 4))


@pytest.mark.parametrize(
    ("op", "params", "kind"),
    [
        (IntegerLif(1000, 333, 8, 6, 12, 24, reset="subtract", theta=512, v0=77), {}, Type((3,), SPIKE)),
        (IntegerLif(4095, 333, 8, 6, 12, 24), {"dv": [1, 20, 3], "bias": [5, -900, 70]}, Type((3,), SPIKE)),
        (IntegerLif(4095, 0, 8, 6, 12, 24, theta=512, reset="subtract", max_spikes=3), {}, Type((3,), graded(3))),
        (IntegerLeaky(1000, 333, 6, 12, 24, 24, u0=3), {"dv": [0, 4096, 7]}, Type((3,), graded(24))),
        (IntegerLeaky(1000, 333, 6, 12, 30, 30), {}, Type((3,), graded(30))),
    ],
)
def test_any_integer_neuron_runs_by_its_definition(op, params, kind):
    x = np.random.default_rng(0).integers(-50, 90, (9, 2, 3))
    own = {role: np.array(values) for role, values in params.items()}
    tensors = {role: torch.from_numpy(array) for role, array in own.items()}
    node = Node("y", op, ("x",), kind, tuple((role, role) for role in own))
    found = defined_emission(node, torch.from_numpy(x).double(), tensors, torch.int64)
    wanted = op.run((x,), own, 9)
    assert np.array_equal(found.numpy(), wanted)
    assert np.any(wanted)
    assert found.dtype == travel_dtype(kind)
    assert plain_lif(node) is None


@pytest.mark.parametrize("micro", [1, 3])
def test_bursts_are_the_operations(micro):
    n = np.arange(6).reshape(1, 2, 3)
    op = Burst(micro)
    assert np.array_equal(burst_spikes(op, torch.from_numpy(n).float()).numpy(), op.run((n,), {}, 1))


@given(neurons(), st.lists(st.integers(-2000, 2000), min_size=1, max_size=6), st.integers(-9000, 9000))
def test_a_membrane_with_its_sign_turned_spikes_alike(op, currents, bias):
    """Of a neuron that remembers no current, and currents that cannot wrap."""
    op = IntegerLif(4095, op.dv, op.vth, 6, 12, 24)
    a = np.array(currents).reshape(-1, 1, 1)
    drive = torch.from_numpy(-((a << op.shift) + bias)).double()
    spikes = inverted_spikes(op, drive)
    assert spikes is drive, "in place"
    assert np.array_equal(spikes.numpy(), op.run((a,), {"bias": np.array([bias])}, len(a)))


def test_the_scale_of_a_product_is_made_good():
    op, x = IntegerLif(1000, 333, 50, 6, 12, 24), np.random.default_rng(0).integers(-40, 60, (5, 3, 4))
    counts = []
    neurons_ = TorchWrappingSpikes(op, OwnNumbers(), 8, lambda spikes: counts.append(int(spikes.sum())) or counts[-1])
    spikes, count = neurons_(torch.from_numpy(x))
    exact = op.run((8 * x,), {}, 5)
    assert np.array_equal(spikes.numpy(), exact)
    assert counts == [count] == [exact.sum()]
