"""Which framework wrote a NIR file, and what follows from it with certainty; what is only likely is said as a lint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.nir.meaning.time import ratio_of_gains
from frontend.nir.reading.network import NirNetwork

SHARED_STEP = 1e-4
"""The time step of snnTorch 1.0.0 (fixed) and SpikingJelly 2.0.0 (default), which both write r = tau / dt, in seconds."""


def certain_reading(network: NirNetwork) -> tuple[str, Mapping[str, Any]]:
    """
    The trace of a framework and the options that certainly follow from it; ("", {}) where there is none.

    Neurons of different time constants whose gains are all tau / 0.0001 were written for that time step. Which of the two
    frameworks it was, and so how neurons reset, remains open.
    """
    if ratio_of_gains(network) != SHARED_STEP:
        return "", {}
    return "r = tau / dt of snnTorch and SpikingJelly", {"dt": SHARED_STEP}
