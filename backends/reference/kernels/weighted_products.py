"""Weighted projections of an integer network, prepared once: by events or in bytes where that is faster, else in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from backends.event_driven.weights import EventWeights, dense_ns
from backends.reference.kernels.int8 import WORTH, Int8Kernels, Int8Points, Int8Weights
from backends.reference.kernels.product import convolution
from ir.ops.linear import Conv

BYTES = (torch.uint8, torch.int8)
ValueOf = Callable[[str], torch.Tensor]
"""The name of a population, an input or a routed value -> what it emits, (T, B, *shape)."""


class WeightedProduct(Protocol):
    """What a group of projections makes of its sources, prepared once for all runs."""

    @property
    def scale(self) -> int:
        """A power of two, which `unscaled` leaves out."""
        ...

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, ...) that the emitted values make."""
        ...

    def unscaled(self, value: ValueOf) -> torch.Tensor:
        """The current / scale, in the dtype in which the device makes it."""
        ...


@dataclass(frozen=True)
class SourceSum:
    """Values that are added up before a product."""

    names: tuple[str, ...]
    dtype: torch.dtype | None
    """The dtype that holds their sum; None for the one that they have."""

    def total(self, value: ValueOf) -> torch.Tensor:
        """The sum, in bytes where it fits."""
        x = value(self.names[0])
        if self.dtype is not None:
            x = x.to(self.dtype)
        for name in self.names[1:]:
            x = x + value(name)
        return x


@dataclass(frozen=True)
class DenseProduct:
    """A product with a matrix (outputs, inputs), in whichever way is fastest for the values; None where one is not exact here."""

    sources: SourceSum
    weight: torch.Tensor
    """float32."""
    packed: Int8Weights | None
    """In bytes."""
    events: EventWeights | None
    """By rows, for few active inputs."""
    scale: int = 1

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, ..., outputs), float32."""
        x = self.sources.total(value)
        work = x.numel() * self.weight.shape[0]
        packed = self.packed if x.dtype in BYTES and work >= WORTH else None
        if self.events is not None:
            price = dense_ns(work / torch.get_num_threads(), packed is not None)
            y = self.events.product(x.contiguous().numpy(), price)
            if y is not None:
                return torch.from_numpy(y)
        return functional.linear(x.to(torch.float32), self.weight) if packed is None else packed.product(x)

    unscaled = current


@dataclass(frozen=True)
class ConvolutionProduct:
    """The kernels of a convolution."""

    op: Conv
    sources: SourceSum
    weight: torch.Tensor
    """float32."""
    packed: Int8Kernels | Int8Points | None
    """In bytes; None where these are not exact here."""
    scale: int = 1

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, outputs, ...), float32."""
        x = self.sources.total(value)
        if self.packed is not None:
            x = _as_bytes(x)
        if self.packed is None or x.dtype != torch.uint8:
            return convolution(self.op, x.to(torch.float32), self.weight)
        y = self.packed.convolve(x.flatten(0, 1))
        return torch.unflatten(y, 0, x.shape[:2])

    unscaled = current


def _as_bytes(x: torch.Tensor) -> torch.Tensor:
    """Integers as uint8 where all of them are in its range, as counts and small payloads are; else as they come."""
    if x.dtype == torch.uint8 or not x.numel():
        return x
    least, largest = (int(end) for end in torch.aminmax(x))
    return x.to(torch.uint8) if least >= 0 and largest <= 255 else x
