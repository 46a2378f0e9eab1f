"""What is computed event by event: products of layers, of inputs that are active alone, and the messages of a step on a chip."""

from __future__ import annotations

from typing import Any


def event_kernels() -> Any:
    """The module of the kernels that numba compiles; None where there is no numba."""
    try:
        from backends.event_driven import numba_kernels
    except ImportError:
        return None
    return numba_kernels
