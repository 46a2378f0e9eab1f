"""Integer matrices in the format of Lava's synapses, without loss or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.event_driven.eight_bits import common_shift

SIGNED_TOP, UNSIGNED_TOP = 128, 255
"""Lava clips weights to 0..255 with one sign; with both it keeps even ones from -256 to 254, so w is stored as 2 w."""


@dataclass(frozen=True)
class StoredMatrix:
    """Weights as a Lava process stores them (scipy sparse, targets x sources), its sign mode, and the shift of the sum."""

    weights: Any
    sign: str
    exponent: int


def stored_matrix(weights: Any) -> StoredMatrix | None:
    """The weights in Lava's format without loss, or None where 8 bits and a shared exponent cannot say them."""
    exponent = common_shift(weights.data)
    mantissa = weights.copy()
    mantissa.data = weights.data >> exponent
    low, high = int(mantissa.data.min()), int(mantissa.data.max())
    if low >= 0 or high <= 0:
        sign = "EXCITATORY" if low >= 0 else "INHIBITORY"
        return StoredMatrix(mantissa.astype(np.int32), sign, exponent) if max(-low, high) <= UNSIGNED_TOP else None
    if low < -SIGNED_TOP or high >= SIGNED_TOP:
        return None
    return StoredMatrix((2 * mantissa).astype(np.int32), "MIXED", exponent - 1)
