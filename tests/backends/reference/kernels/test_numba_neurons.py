"""Neurons and payloads by compiled kernels, and the same in plain torch, equal the operations' definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.reference.kernels import compiled_kernels
from backends.reference.kernels.cpu import NumbaKernels
from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.kernels.torch_neurons import (
    keeps_power_of_two,
)
from backends.reference.kernels.values import OwnNumbers, is_channels_last
from ir.ops import Gate, Graded
from ir.ops.integer_neuron import IntegerLif

DECAYS, THRESHOLDS = (0, 1, 2048, 3072, 4095, 4096), (0, 1, 8, 200, (1 << 17) - 1)


@pytest.fixture(params=["compiled", "torch"])
def way(request):
    """Both ways to compute a plain neuron."""
    return NumbaKernels(compiled_kernels()) if request.param == "compiled" else DeviceKernels()


@st.composite
def biases(draw, shape):
    """None, or an array that broadcasts to one sample: a number, one per feature, per channel, or per neuron."""
    own = draw(st.sampled_from([None, (), (1,), shape[-1:], (shape[0], *(1,) * (len(shape) - 1)), shape]))
    return None if own is None else np.random.default_rng(draw(st.integers(0, 99))).integers(-900, 900, own)


def numbers(op, own):
    """Parameters of the definition as the kernels take them."""
    bias, level = own.get("bias"), op.level(own) if "vth" in own else None
    return OwnNumbers(*(None if each is None else torch.from_numpy(np.asarray(each)) for each in (bias, level)))


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_plain_neurons_are_the_operations(way, data):
    dv, vth = data.draw(st.sampled_from(DECAYS)), data.draw(st.sampled_from(THRESHOLDS))
    op = IntegerLif(4095, dv, vth, 6, 12, 24)
    shape = data.draw(st.sampled_from([(5,), (3, 4), (2, 3, 2), (1500,)]))
    own = {"bias": data.draw(biases(shape)), "vth": data.draw(biases(shape))}
    own = {role: array if role == "bias" else abs(array) for role, array in own.items() if array is not None}
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    x = rng.integers(-40, 60, (data.draw(st.integers(1, 5)), 2, *shape)) * data.draw(st.sampled_from([1, 1, 2000]))
    kind = torch.float32 if keeps_power_of_two(op) and data.draw(st.booleans()) else torch.float64
    given = torch.from_numpy(x).to(kind)
    before = given.clone()
    spikes, count = way.spikes(op, shape, numbers(op, own), kind, 1)(given)
    wanted = op.run((x,), own, len(x))
    assert np.array_equal(spikes.numpy(), wanted)
    assert int(count) == wanted.sum()
    assert torch.equal(given, before), "the current was written to"


def test_currents_that_are_views(way):
    op, x = IntegerLif(4095, 2048, 8, 6, 12, 24), np.random.default_rng(0).integers(-9, 12, (4, 50, 3, 7))
    spikes, _ = way.spikes(op, (7, 3), OwnNumbers(), torch.float32, 1)(torch.from_numpy(x).float().transpose(2, 3))
    assert np.array_equal(spikes.numpy(), op.run((x,), {}, 4).swapaxes(2, 3))


@pytest.mark.parametrize("bias", [None, (3, 1, 1), (3, 4, 5), (5,), ()])
def test_images_with_their_channels_last(way: DeviceKernels, bias: tuple[int, ...] | None):
    op, rng = IntegerLif(4095, 2048, 8, 6, 12, 24), np.random.default_rng(0)
    x = rng.integers(-9, 12, (4, 20, 3, 4, 5))
    shifts = None if bias is None else rng.integers(-300, 300, bias)
    laid = torch.from_numpy(x).float().permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    assert is_channels_last(laid)
    spikes, count = way.spikes(
        op, (3, 4, 5), numbers(op, {} if shifts is None else {"bias": shifts}), torch.float32, 1
    )(laid)
    wanted = op.run((x,), {} if shifts is None else {"bias": shifts}, 4)
    assert np.array_equal(spikes.numpy(), wanted)
    assert int(count) == wanted.sum()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_payloads_shift_toward_minus_infinity_and_saturate(way, data):
    bits, shift = data.draw(st.integers(2, 12)), data.draw(st.integers(0, 5))
    bias = data.draw(biases((3, 4)))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    x = rng.integers(-5000, 5000, (2, 3, 3, 4))
    op = data.draw(st.sampled_from([Graded(bits, shift), Graded(bits, shift, "rectified"), Gate(bits, shift)]))
    gates = rng.integers(0, 2, x.shape) if isinstance(op, Gate) else None
    payloads = way.payloads(op, (3, 4), None if bias is None else torch.from_numpy(bias), torch.float32, 1)
    found, count = payloads(
        torch.from_numpy(x).float(), None if gates is None else torch.from_numpy(gates).to(torch.uint8)
    )
    operands = (x,) if gates is None else (x, gates)
    wanted = op.run(operands, {} if bias is None else {"bias": bias}, 2)
    assert np.array_equal(found.numpy(), wanted)
    assert int(count) == np.count_nonzero(wanted)


@pytest.mark.parametrize(("du", "dv"), [(4095, 2048), (4095, 0), (1000, 333), (-1, 4096)])
def test_stepped_neurons_keep_their_state_and_wrap(du, dv):
    kernels = pytest.importorskip("backends.reference.kernels.numba_kernels")
    op, shape = IntegerLif(du, dv, 300, 6, 12, 24), (2, 5)
    rng = np.random.default_rng(du + dv)
    x = rng.choice([-(1 << 18), -(1 << 17), -300, 0, 7, 200, 1 << 17, (1 << 17) + 1, 1 << 18], (30, 3, *shape))
    bias = rng.integers(-5000, 5000, shape[-1:])
    stepped = NumbaKernels(kernels).stepper(op, shape, OwnNumbers(torch.from_numpy(bias).double()))
    assert stepped is not None
    found = torch.cat([stepped(torch.from_numpy(x[t : t + 1])) for t in range(len(x))])
    wanted = op.run((x,), {"bias": bias}, len(x))
    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy(), wanted)
    assert 0 < wanted.mean() < 1
