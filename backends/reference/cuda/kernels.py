"""CUDA's kernels: products of bytes and halves on tensor cores, fused neurons; each where the device proved to be exact."""

from __future__ import annotations

from typing import Any

import torch

from backends.event_driven.eight_bits import fits
from backends.reference.cuda.neurons import FusedPayloads, FusedSpikes, FusedWrappingSpikes
from backends.reference.cuda.precision import whole_float32
from backends.reference.cuda.products import ByteConvolution, ByteDense
from backends.reference.cuda.self_test import (
    bytes_are_exact,
    floats_are_exact,
    halves_are_exact,
    holds,
    neurons_are_exact,
)
from backends.reference.kernels.device_kernels import DeviceKernels, Payloads, Spikes, WeightedProjection
from backends.reference.kernels.product import accumulator
from backends.reference.kernels.values import OwnNumbers
from backends.reference.kernels.weighted_products import WeightedProduct
from ir.errors import CompileError
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Linear
from ir.ops.neuron import Gate, Graded

EXACT_FLOAT16 = 1 << 11
"""A sum of magnitudes up to this is exact in float16 in any order, whatever the accumulator: so is every part of it."""


class CudaKernels(DeviceKernels):
    """
    Nothing is decided by values, which would make the host wait.

    Args:
        bytewise, halves: whether products of bytes and of float16 are exact here. compiled: `triton_neurons`, or None.
    """

    reads_values = False

    def __init__(self, device: torch.device, bytewise: bool, halves: bool, compiled: Any) -> None:
        self._device, self._bytewise, self._halves, self._compiled = device, bytewise, halves, compiled
        self.description = (
            "int8 products" if bytewise else "float32 products",
            "fused neurons" if compiled is not None else "neurons in plain torch",
        )

    def product(self, projection: WeightedProjection) -> WeightedProduct:
        op, weight = projection.op, projection.weight
        if not (self._bytewise and projection.in_int8 and fits(weight)):
            return super().product(projection)
        if isinstance(op, Linear):
            return ByteDense(projection.sources, weight, self._device)
        if op.groups == 1 and op.is_plain and weight.ndim == 4:
            return ByteConvolution(op, projection.sources, weight, self._device)
        return super().product(projection)

    def contraction_dtype(self, bound: int) -> torch.dtype:
        return torch.float16 if self._halves and 0 < bound <= EXACT_FLOAT16 else accumulator(bound)

    def spikes(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, dtype: torch.dtype, scale: int) -> Spikes:
        if self._compiled is None:
            return super().spikes(op, shape, own, dtype, scale)
        return FusedSpikes(self._compiled, op, shape, own, dtype, scale, self._device)

    def wrapping_spikes(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, scale: int) -> Spikes:
        if self._compiled is None:
            return super().wrapping_spikes(op, shape, own, scale)
        return FusedWrappingSpikes(self._compiled, op, shape, own, scale, self._device)

    def payloads(
        self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, dtype: torch.dtype, scale: int
    ) -> Payloads:
        if self._compiled is None:
            return super().payloads(op, shape, bias, dtype, scale)
        return FusedPayloads(self._compiled, op, shape, bias, dtype, scale, self._device)


@torch.inference_mode()
def cuda_kernels(device: torch.device) -> DeviceKernels:
    """
    The fastest kernels that are exact on this device.

    Raises:
        CompileError: not even its float products are.
    """
    with torch.cuda.device(device), whole_float32():
        if not holds(floats_are_exact, device):
            raise CompileError("run.device", f"{device} does not sum whole numbers exactly", hint="use device='cpu'")
        compiled = _compiled_kernels()
        fused = compiled is not None and holds(neurons_are_exact(compiled), device)
        bytewise, halves = holds(bytes_are_exact, device), holds(halves_are_exact, device)
    return CudaKernels(device, bytewise, halves, compiled if fused else None)


def _compiled_kernels() -> Any:
    """The Triton kernels; None where there is no Triton, or none that can be imported."""
    try:
        from backends.reference.cuda import triton_neurons
    except Exception:  # of a compiler that looks for its parts while it is imported
        return None
    return triton_neurons
