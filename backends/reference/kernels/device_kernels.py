"""
What a device computes with, as an execution plan asks for it.

`DeviceKernels` is plain torch, exact on any device; the processor (`cpu`) and CUDA (`cuda.kernels`) replace what they prove to
be exact there. `devices` is the one place where devices part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from backends.reference.kernels.product import accumulator
from backends.reference.kernels.torch_neurons import TorchPayloads, TorchSpikes, TorchWrappingSpikes
from backends.reference.kernels.values import Count, Emitted, OwnNumbers, without_copies
from backends.reference.kernels.weighted_products import (
    ConvolutionProduct,
    DenseProduct,
    SourceSum,
    WeightedProduct,
)
from ir.analysis.fan_out import convolution_fan_out
from ir.graph import Array
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear
from ir.ops.neuron import Gate, Graded

Spikes = Callable[[torch.Tensor], Emitted]
"""Currents (T, B, *shape) / scale -> spikes."""
Stepper = Callable[[torch.Tensor], torch.Tensor]
"""The neurons of one run, step after step: currents (1, B, *shape) -> spikes."""
Payloads = Callable[[torch.Tensor, torch.Tensor | None], Emitted]
"""(currents (T, B, *shape) / scale, where gates are open) -> payloads."""


@dataclass(frozen=True)
class WeightedProjection:
    """A projection to prepare, proven exact in float32."""

    op: Linear | Conv
    sources: SourceSum
    """What it reads."""
    weight: Array
    """Integers."""
    device_weight: torch.Tensor
    """The same on the device, float32."""
    in_int8: bool
    """Whether int8 holds the summed sources."""


class DeviceKernels:
    """Plain torch."""

    description: tuple[str, ...] = ()
    """What `describe` of the engine adds to the device's name."""
    reads_values = True
    """Whether a choice may depend on values; on a GPU that would wait for all that is under way."""

    def product(self, projection: WeightedProjection) -> WeightedProduct:
        """A projection with weights."""
        if isinstance(projection.op, Linear):
            return DenseProduct(projection.sources, projection.device_weight, None, None)
        return ConvolutionProduct(projection.op, projection.sources, projection.device_weight, None)

    def contraction_dtype(self, bound: int) -> torch.dtype:
        """The dtype of a product of two values whose sums of magnitudes stay within `bound`."""
        return accumulator(bound)

    def spikes(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, dtype: torch.dtype, scale: int) -> Spikes:
        """Plain neurons that remember no current; arguments as in `torch_neurons`."""
        return TorchSpikes(op, own, dtype, scale)

    def wrapping_spikes(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers, scale: int) -> Spikes:
        """Plain neurons of any currents (T, B, *shape) / scale, which may wrap, and that may remember them; own: float64."""
        return TorchWrappingSpikes(op, own, scale, self.nonzero)

    def stepper(self, op: IntegerLif, shape: tuple[int, ...], own: OwnNumbers) -> Stepper | None:
        """Plain neurons at zero state; None where there is only their definition."""
        return None

    def payloads(
        self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, dtype: torch.dtype, scale: int
    ) -> Payloads:
        """Payloads, of a gate too; arguments as in `torch_neurons`."""
        return TorchPayloads(op, bias, dtype, scale)

    def active(self, value: torch.Tensor) -> Count:
        """How many elements of a value are not zero; copies are multiplied, not read."""
        core = without_copies(value)
        copies = value.numel() // max(1, core.numel())
        return self.nonzero(core) if copies == 1 else self.nonzero(core) * copies

    def nonzero(self, value: torch.Tensor) -> Count:
        """How many elements are not zero, every one read."""
        return torch.count_nonzero(value)

    def product_nonzero(self, a: torch.Tensor, b: torch.Tensor) -> Count:
        """How many of the products a[g, i, c] b[g, c, n] are not zero."""
        pairs = (a != 0).sum(dim=1, dtype=torch.float32).double() * (b != 0).sum(dim=2, dtype=torch.float32)
        return pairs.sum().to(torch.int64)

    def reached(self, op: Conv, weight: tuple[int, ...], x: torch.Tensor) -> Count:
        """How many targets the active elements of x (T, B, channels, ...) reach by kernels of the shape `weight`."""
        synapses = device_fan_out(op, weight, tuple(x.shape[3:]), x.device)
        return ((x != 0).sum(dim=(0, 1, 2)) * synapses).sum()


@lru_cache(maxsize=256)
def device_fan_out(op: Conv, weight: tuple[int, ...], sizes: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """`ir.analysis.fan_out.convolution_fan_out` on a device."""
    return torch.from_numpy(convolution_fan_out(op, weight, sizes)).to(device)
