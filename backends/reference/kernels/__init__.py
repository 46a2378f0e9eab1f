"""What the processor computes with: products, neurons, counts; each exact on integers."""

from __future__ import annotations

from typing import Any


def compiled_kernels() -> Any:
    """The module of the kernels that numba compiles; None where there is no numba."""
    try:
        from backends.reference.kernels import numba_kernels
    except ImportError:
        return None
    return numba_kernels
