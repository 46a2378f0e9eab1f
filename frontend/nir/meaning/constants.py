"""Constants of NIR's populations: computed in float64, one number where all neurons share it, in the graph's type at last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ir.graph import Array


def wide(array: Array) -> Array:
    """The array in float64; of no axes where all neurons share one value."""
    first = array.reshape(-1)[:1]
    shared = not any(array.strides) or bool((array == first).all())
    return (first.reshape(()) if shared else array).astype(np.float64)


def split(
    constants: Mapping[str, Any], shape: tuple[int, ...], dtype: str
) -> tuple[dict[str, float], dict[str, Array]]:
    """Attributes (shared numbers) and parameters (one value per neuron, in the graph's number type)."""
    attributes, arrays = dict[str, float](), dict[str, Array]()
    for name, value in constants.items():
        value = wide(np.asarray(value, np.float64))
        if value.ndim:
            arrays[name] = np.broadcast_to(value, shape).astype(dtype)
        else:
            attributes[name] = float(value)
    return attributes, arrays
