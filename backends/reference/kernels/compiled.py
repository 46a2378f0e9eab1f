"""The compiled kernels of this folder, where there is numba."""

from __future__ import annotations

from typing import Any


def neuron_kernels() -> Any:
    """The module of kernels; None where there is no numba."""
    try:
        from backends.reference.kernels import numba_kernels
    except ImportError:
        return None
    return numba_kernels
