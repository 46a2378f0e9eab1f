"""
How a device computes what a plan asks for.

`Forms` is plain torch, exact on any device; the processor (`cpu`) and CUDA (`cuda`) replace what they prove to be exact there.
`devices` is the one place where devices part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from backends.reference.kernels.dense import Convolution, Dense, Sources
from backends.reference.kernels.emitted import Count, Emitted
from backends.reference.kernels.neurons import integer_lif_spikes
from backends.reference.kernels.product import accumulator
from backends.reference.kernels.targets import targets_per_position
from backends.reference.kernels.torch_neurons import TorchPayloads, TorchSpikes
from ir.graph import Array
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear
from ir.ops.neuron import Gate, Graded

Value = Callable[[str], torch.Tensor]
Spikes = Callable[[torch.Tensor], Emitted]
Stepper = Callable[[torch.Tensor], torch.Tensor]
"""The neurons of one run, step after step: currents (1, B, *shape) -> spikes."""
Payloads = Callable[[torch.Tensor, torch.Tensor | None], Emitted]


class Product(Protocol):
    """A weighted projection of an integer network, prepared once for all runs."""

    @property
    def scale(self) -> int:
        """A power of two, which `unscaled` leaves out."""
        ...

    def current(self, value: Value) -> torch.Tensor:
        """The current (T, B, ...) that the emitted values make."""
        ...

    def unscaled(self, value: Value) -> torch.Tensor:
        """The current / scale, in the number type in which the device makes it."""
        ...


@dataclass(frozen=True)
class Weighted:
    """
    A projection to prepare, proven exact in float32.

    sources: what it reads. weight: integers. own: the same on the device, float32.
    in_int8: whether int8 holds the summed sources.
    """

    op: Linear | Conv
    sources: Sources
    weight: Array
    own: torch.Tensor
    in_int8: bool


class Forms:
    """Plain torch."""

    words: tuple[str, ...] = ()
    """What `describe` of the engine adds to the device's name."""
    looks = True
    """Whether a choice may depend on the values at hand; on a GPU that would wait for all that is under way."""

    def product(self, weighted: Weighted) -> Product:
        """A projection with weights."""
        if isinstance(weighted.op, Linear):
            return Dense(weighted.sources, weighted.own, None, None)
        return Convolution(weighted.op, weighted.sources, weighted.own, None)

    def joint_kind(self, bound: int) -> torch.dtype:
        """The number type of a product of two values whose sums of magnitudes stay within `bound`."""
        return accumulator(bound)

    def spikes(
        self, op: IntegerLif, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype, scale: int
    ) -> Spikes:
        """Plain neurons that remember no current; arguments as in `torch_neurons`."""
        return TorchSpikes(op, bias, kind, scale)

    def wrapping(self, op: IntegerLif, shape: tuple[int, ...], bias: torch.Tensor | None, scale: int) -> Spikes:
        """Plain neurons of any currents (T, B, *shape) / scale, which may wrap, and that may remember them; bias: float64."""

        def spikes(current: torch.Tensor) -> Emitted:
            fired = integer_lif_spikes(op, current if scale == 1 else current * scale, bias)
            return fired, self.nonzero(fired)

        return spikes

    def stepped(self, op: IntegerLif, shape: tuple[int, ...], bias: torch.Tensor | None) -> Stepper | None:
        """Plain neurons at zero state; None where only their definition is at hand."""
        return None

    def payloads(
        self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype, scale: int
    ) -> Payloads:
        """Payloads, of a gate too; arguments as in `torch_neurons`."""
        return TorchPayloads(op, bias, kind, scale)

    def nonzero(self, value: torch.Tensor) -> Count:
        """How many elements are not zero."""
        return torch.count_nonzero(value)

    def joint_nonzero(self, a: torch.Tensor, b: torch.Tensor) -> Count:
        """How many of the products a[g, i, c] b[g, c, n] are not zero."""
        opened = (a != 0).sum(dim=1, dtype=torch.float32).double() * (b != 0).sum(dim=2, dtype=torch.float32)
        return opened.sum().to(torch.int64)

    def reached(self, op: Conv, weight: tuple[int, ...], x: torch.Tensor) -> Count:
        """How many targets the active elements of x (T, B, channels, ...) reach by kernels of the shape `weight`."""
        targets = targets_per_position(op, weight, tuple(x.shape[3:]), x.device)
        return ((x != 0).sum(dim=(0, 1, 2)) * targets).sum()
