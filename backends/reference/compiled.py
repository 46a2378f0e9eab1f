"""The compiled kernels, where there is numba."""

from __future__ import annotations

from typing import Any

BLOCK = 2048
"""Neurons whose state a kernel holds at once: 16 KiB at most."""


def compiled() -> Any:
    """The module of compiled kernels; None where there is no numba."""
    try:
        from backends.reference import kernels
    except ImportError:
        return None
    return kernels
