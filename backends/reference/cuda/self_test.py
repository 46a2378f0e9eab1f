"""
What a device computes exactly, asked once: the largest sums and random ones against whole numbers.

Anything but equality, and any error (a missing compiler, an operation that this torch lacks), is a no.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from backends.reference.cuda.neurons import FusedPayloads, FusedSpikes, FusedWrappingSpikes
from backends.reference.cuda.products import ByteConvolution, ByteDense
from backends.reference.kernels.values import OwnNumbers
from backends.reference.kernels.weighted_products import SourceSum
from backends.trace import Array
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv
from ir.ops.neuron import Gate, Graded

SHAPES = ((5, 13, 3), (40, 517, 65), (600, 1024, 1024))
"""(rows, inputs, outputs) of products."""
CURRENTS = (torch.int32, torch.float16, torch.float32, torch.float64)
"""Dtypes in which products leave their sums."""
SCALE = 2
"""Of the currents that neurons are tested with."""


def holds(test: Callable[[torch.device], bool], device: torch.device) -> bool:
    """Whether a test passes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a compiler: what counts are its results
            return test(device)
    except Exception:  # whatever it is: there is another way to compute
        return False


def bytes_are_exact(device: torch.device) -> bool:
    """Products and convolutions of bytes."""
    rng, sources = np.random.default_rng(0), SourceSum(("x",), None)
    for rows, inputs, outputs in SHAPES:
        weight = rng.integers(-128, 128, (outputs, inputs)) * 2
        weight[0], weight[-1] = 254, -256
        x = rng.integers(-128, 128, (rows, inputs)).astype(np.int8)
        x[0], x[-1] = 127, -128
        moved = torch.from_numpy(x).to(device)[None]
        current = ByteDense(sources, weight, device).current(lambda _, moved=moved: moved)
        if not np.array_equal(current[0].cpu().numpy(), x.astype(np.float64) @ weight.T):
            return False
    op, kernels = Conv((1, 2), (1, 0), (1, 1)), rng.integers(-128, 128, (11, 5, 3, 3))
    images = torch.from_numpy(rng.integers(0, 128, (1, 9, 5, 8, 9)).astype(np.uint8))
    moved = images.to(device)
    current = ByteConvolution(op, sources, kernels, device).current(lambda _: moved)
    wide = functional.conv2d(images[0].double(), torch.from_numpy(kernels).double(), None, op.stride, op.padding)
    return torch.equal(current[0].cpu().double(), wide)


def halves_are_exact(device: torch.device) -> bool:
    """Batched products in float16 whose sums of magnitudes reach 2048."""
    a, b = _factors(128, 16)
    product = torch.bmm(a.to(device, torch.float16), b.to(device, torch.float16))
    return torch.equal(product.cpu().double(), torch.bmm(a, b))


def floats_are_exact(device: torch.device) -> bool:
    """Products in float32 whose sums of magnitudes reach 2^24, and in float64 beyond."""
    for dtype, most in ((torch.float32, (1 << 17) - 1), (torch.float64, (1 << 30) - 1)):
        a, b = _factors(128, most)
        batched = torch.bmm(a.to(device, dtype), b.to(device, dtype))
        dense = functional.linear(a[0].to(device, dtype), b[0].T.contiguous().to(device, dtype))
        exact = torch.bmm(a, b)
        if not (torch.equal(batched.cpu().double(), exact) and torch.equal(dense.cpu().double(), exact[0])):
            return False
    return True


def neurons_are_exact(compiled: Any) -> Callable[[torch.device], bool]:
    """The test of the fused neurons, each with every dtype of currents."""
    cases = tuple(zip(CURRENTS, (2048, 4096, 333, 0), strict=True))

    def test(device: torch.device) -> bool:
        return all(
            _spikes_are_exact(compiled, device, dtype, dv) and _payloads_are_exact(compiled, device, dtype)
            for dtype, dv in cases
        )

    return test


def _spikes_are_exact(compiled: Any, device: torch.device, current_dtype: torch.dtype, dv: int) -> bool:
    """Plain neurons of one decay, with currents of one dtype; with large ones that wrap, remembered or not."""
    x, bias = _currents_and_bias()
    dtype = torch.float64 if dv == 333 else torch.float32  # what holds the membrane
    on_device, params, current = torch.from_numpy(bias).to(device, dtype), {"bias": bias}, torch.from_numpy(x)
    vth = np.random.default_rng(2).integers(10, 30, bias.shape)
    op = IntegerLif(4095, dv, 20, 6, 12, 24)
    level = torch.from_numpy(vth << 6).to(device, dtype)
    for own in ({}, params, {**params, "vth": vth}):
        numbers = OwnNumbers(on_device if "bias" in own else None, level if "vth" in own else None)
        spikes = FusedSpikes(compiled, op, bias.shape, numbers, dtype, SCALE, device)
        if not _same(spikes(current.to(device, current_dtype)), op.run((x * SCALE,), own, len(x))):
            return False
    large = x * 3000  # beyond 2^17, from where on a shifted current wraps
    for du in (4095, 1000):
        op = IntegerLif(du, dv, 200, 6, 12, 24)
        numbers = OwnNumbers(on_device.double(), level.double())
        wrapping = FusedWrappingSpikes(compiled, op, bias.shape, numbers, SCALE, device)
        emitted = wrapping(torch.from_numpy(large).to(device, torch.int32))
        if not _same(emitted, op.run((large * SCALE,), {**params, "vth": vth}, len(x))):
            return False
    return True


def _payloads_are_exact(compiled: Any, device: torch.device, current_dtype: torch.dtype) -> bool:
    """Payloads of several widths, gated or not, with currents of one dtype."""
    x, bias = _currents_and_bias()
    gates = np.random.default_rng(1).integers(0, 2, x.shape).astype(np.uint8)
    dtype = torch.float64 if current_dtype == torch.float64 else torch.float32
    on_device, current = torch.from_numpy(bias).to(device, dtype), torch.from_numpy(x).to(device, current_dtype)
    for op in (Graded(8, 3), Graded(8, 1, "rectified"), Gate(7, 2), Gate(40, 0)):
        payloads = FusedPayloads(compiled, op, bias.shape, on_device, dtype, SCALE, device)
        is_gate = isinstance(op, Gate)
        emitted = payloads(current, torch.from_numpy(gates).to(device) if is_gate else None)
        operands = (x * SCALE, gates) if is_gate else (x * SCALE,)
        if not _same(emitted, op.run(operands, {"bias": bias}, len(x))):
            return False
    return True


def _currents_and_bias() -> tuple[Array, Array]:
    """Currents (T, B, *shape) / SCALE of a population, and its biases."""
    rng = np.random.default_rng(0)
    return rng.integers(-40, 60, (4, 3, 5, 300)), rng.integers(-900, 900, (5, 300))


def _same(emitted: tuple[torch.Tensor, Any], exact: Array) -> bool:
    values, count = emitted
    return np.array_equal(values.cpu().numpy(), exact) and int(count) == np.count_nonzero(exact)


def _factors(common: int, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two factors of a batched product: odd numbers up to `most`, and spikes, all of them first."""
    rng = np.random.default_rng(0)
    a = rng.integers(-most, most + 1, (6, 36, common)) | 1
    a[0, 0] = most
    b = rng.integers(0, 2, (6, common, 40))
    b[0, :, 0] = 1
    return torch.from_numpy(a).double(), torch.from_numpy(b).double()
