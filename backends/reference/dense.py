"""Dense projections of an integer network, prepared once for all runs: in bytes where that is faster, else in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from backends.reference.int8 import WORTH, Int8Weights

BYTES = (torch.uint8, torch.int8)


@dataclass(frozen=True)
class Dense:
    """
    The product of one weight matrix with the sum of what several projections read, exact in float32.

    sources: values that are added up. wide: whether their sum may leave a byte. weight: (outputs, inputs) float32.
    packed: the same in bytes; None where a product of bytes is not exact here.
    """

    sources: tuple[str, ...]
    wide: bool
    weight: torch.Tensor
    packed: Int8Weights | None

    def current(self, value: Callable[[str], torch.Tensor]) -> torch.Tensor:
        """The current (T, B, ..., outputs), float32."""
        x = value(self.sources[0])
        if self.wide:
            x = x.to(torch.float32)
        for name in self.sources[1:]:
            x = x + value(name)
        outputs, inputs = self.weight.shape
        rows = x.reshape(-1, inputs)
        if self.packed is not None and x.dtype in BYTES and x.numel() * outputs >= WORTH:
            y = self.packed.product(rows)
        else:
            y = functional.linear(rows.to(torch.float32), self.weight)
        return y.reshape(*x.shape[:-1], outputs)
