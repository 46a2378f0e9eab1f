"""
What a value of a user, a file or a framework is, said to the type checker too.

What a container holds may be anything again; `isinstance` would leave it unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np

from ir.graph import Array


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether a value is a dictionary, or can be read like one."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value is a tuple, with or without names."""
    return isinstance(value, tuple)


def is_array(value: object) -> TypeGuard[Array]:
    """Whether a value is a NumPy array."""
    return isinstance(value, np.ndarray)


def is_scalar(value: object) -> TypeGuard[np.number[Any] | np.bool_ | np.str_ | np.bytes_]:
    """Whether a value is a single number or text of NumPy's."""
    return isinstance(value, np.generic)
