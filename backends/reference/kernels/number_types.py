"""The number types in which values travel between populations: the narrowest that hold them."""

from __future__ import annotations

import torch

from ir.types import Type

FLOAT32_PAYLOAD_BITS = 25
"""Payloads of up to this many bits, sign included, are exact in float32."""


def travels(kind: Type) -> torch.dtype:
    """The number type of the spikes or payloads of an integer network."""
    bound = kind.domain.bound
    if kind.domain.kind != "graded":
        return torch.uint8 if bound <= 255 else torch.float32
    if bound <= 8:
        return torch.int8
    return torch.float32 if bound <= FLOAT32_PAYLOAD_BITS else torch.float64
