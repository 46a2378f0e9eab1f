"""Compiled kernels, where there is numba."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def compiled(folder: str) -> Any:
    """The module of compiled kernels of a folder of `backends`; None where there is no numba."""
    try:
        return import_module(f"backends.{folder}.kernels")
    except ImportError:
        return None
