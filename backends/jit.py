"""How kernels are compiled: by numba, once per machine where there is a place to keep them, else once per process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Any:
    """The function compiled when it is first called with arguments of some types; others may run beside it."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the folder of the source nor the user's own can be written
        return njit(nogil=True)(function)
