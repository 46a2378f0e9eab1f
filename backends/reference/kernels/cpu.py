"""The processor's kernels: bytes by oneDNN, neurons and counts by numba, each where there is such a library and it is exact."""

from __future__ import annotations

from typing import Any

import torch

from backends.event_driven import event_kernels
from backends.event_driven.eight_bits import fits
from backends.event_driven.weights import event_weights
from backends.reference.kernels import compiled_kernels
from backends.reference.kernels.device_kernels import (
    DeviceKernels,
    Payloads,
    Spikes,
    Stepper,
    WeightedProjection,
    device_fan_out,
)
from backends.reference.kernels.int8 import Int8Weights, int8_kernels, is_exact
from backends.reference.kernels.numba_neurons import NumbaPayloads, NumbaSpikes, NumbaStepper
from backends.reference.kernels.values import CHANNELS_LAST, Count, OwnNumbers, is_channels_last
from backends.reference.kernels.weighted_products import ConvolutionProduct, DenseProduct, WeightedProduct
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear
from ir.ops.neuron import Gate, Graded


class CpuKernels(DeviceKernels):
    """Products of bytes, and by events where numba is installed; the rest in plain torch."""

    def product(self, projection: WeightedProjection) -> WeightedProduct:
        op, weight = projection.op, projection.weight
        bytewise = fits(weight) and is_exact()
        if isinstance(op, Linear):
            packed = Int8Weights(weight) if bytewise else None
            return DenseProduct(projection.sources, projection.device_weight, packed, event_weights(weight))
        packed = int8_kernels(op, weight) if bytewise else None
        return ConvolutionProduct(op, projection.sources, projection.device_weight, packed)


class NumbaKernels(CpuKernels):
    """
    Neurons and counts by compiled kernels, too.

    Products of the CPU have the scale 1, so that neurons need not know of one.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled, self._event_kernels = compiled, event_kernels()

    def spikes(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, dtype: torch.dtype, scale: int) -> Spikes:
        return NumbaSpikes(self._compiled, op, shape, own, dtype)

    def stepper(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers) -> Stepper | None:
        return NumbaStepper(self._compiled, op, shape, own)

    def payloads(
        self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, dtype: torch.dtype, scale: int
    ) -> Payloads:
        return NumbaPayloads(self._compiled, op, shape, bias, dtype)

    def nonzero(self, value: torch.Tensor) -> Count:
        if not value.is_contiguous():
            return super().nonzero(value)
        return self._event_kernels.active(value.numpy().reshape(-1))

    def product_nonzero(self, a: torch.Tensor, b: torch.Tensor) -> Count:
        return self._compiled.product_active(a.numpy(), b.numpy())

    def reached(self, op: Conv, weight: tuple[int, ...], x: torch.Tensor) -> Count:
        synapses = device_fan_out(op, weight, tuple(x.shape[3:]), x.device).flatten()
        if is_channels_last(x):
            rows, synapses = x.permute(CHANNELS_LAST).flatten(2), synapses.repeat_interleave(x.shape[2])
        else:
            rows = x.contiguous().flatten(3)
        return self._compiled.weighted_active(rows.reshape(-1, len(synapses)).numpy(), synapses.numpy())


def cpu_kernels() -> DeviceKernels:
    """The fastest kernels of this processor."""
    compiled = compiled_kernels()
    return CpuKernels() if compiled is None else NumbaKernels(compiled)
