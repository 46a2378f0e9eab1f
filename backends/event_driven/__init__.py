"""Products computed event by event, for the engines that compute layers: work only for inputs that are active."""

from __future__ import annotations

from typing import Any


def event_kernels() -> Any:
    """The module of the kernels that numba compiles; None where there is no numba."""
    try:
        from backends.event_driven import numba_kernels
    except ImportError:
        return None
    return numba_kernels
