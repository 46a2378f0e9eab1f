"""Whether there are compiled kernels."""

from __future__ import annotations

from typing import Any


def compiled() -> Any:
    """The module of compiled kernels; None where there is no numba."""
    try:
        from backends.reference import kernels
    except ImportError:
        return None
    return kernels
