"""Weighted projections of an integer network, prepared once: by events or in bytes where that is faster, else in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from backends.event_driven.weights import EventWeights, dense_ns
from backends.reference.kernels.int8 import WORTH, Int8Kernels, Int8Weights
from backends.reference.kernels.product import convolution
from ir.ops.linear import Conv

BYTES = (torch.uint8, torch.int8)


@dataclass(frozen=True)
class Sources:
    """Values that are added up before a product; kind: the number type that holds their sum, None for the one that they have."""

    names: tuple[str, ...]
    kind: torch.dtype | None

    def summed(self, value: Callable[[str], torch.Tensor]) -> torch.Tensor:
        """The sum, in bytes where it fits."""
        x = value(self.names[0])
        if self.kind is not None:
            x = x.to(self.kind)
        for name in self.names[1:]:
            x = x + value(name)
        return x


@dataclass(frozen=True)
class Dense:
    """
    A weight matrix (outputs, inputs), float32, and other forms of it; None where these are not exact here.

    packed: in bytes. events: by rows, for few active inputs.
    """

    sources: Sources
    weight: torch.Tensor
    packed: Int8Weights | None
    events: EventWeights | None
    scale: int = 1

    def current(self, value: Callable[[str], torch.Tensor]) -> torch.Tensor:
        """The current (T, B, ..., outputs), float32."""
        x = self.sources.summed(value)
        work = x.numel() * len(self.weight)
        packed = self.packed if x.dtype in BYTES and work >= WORTH else None
        if self.events is not None:
            y = self.events.product(
                x.contiguous().numpy(), dense_ns(work / torch.get_num_threads(), packed is not None)
            )
            if y is not None:
                return torch.from_numpy(y)
        return functional.linear(x.to(torch.float32), self.weight) if packed is None else packed.product(x)

    unscaled = current


@dataclass(frozen=True)
class Convolution:
    """The kernels of a convolution, float32, and the same packed in bytes; None where these are not exact here."""

    op: Conv
    sources: Sources
    weight: torch.Tensor
    packed: Int8Kernels | None
    scale: int = 1

    def current(self, value: Callable[[str], torch.Tensor]) -> torch.Tensor:
        """The current (T, B, outputs, ...), float32."""
        x = self.sources.summed(value)
        if self.packed is None or x.dtype != torch.uint8:
            return convolution(self.op, x.to(torch.float32), self.weight)
        y = self.packed.convolve(x.flatten(0, 1))
        return y.unflatten(0, x.shape[:2])

    unscaled = current
