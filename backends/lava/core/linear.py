"""A linear projection of one step of an integer network: by events where few inputs are active, else one dense product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backends.event_driven.weights import dense_ns, event_weights
from ir.graph import Array

FEW = 3
"""Whole numbers up to here are that many events each; larger ones are payloads, multiplied."""


def integer_linear(weight: Array) -> Callable[[Array], Array]:
    """
    The callable of weights (outputs, inputs), integers: x (..., inputs) -> (..., outputs) float32.

    x: whole numbers of any type. Every sum of magnitudes must be exact in float32.
    """
    floats, events = weight.astype(np.float32), event_weights(weight)
    if events is None:
        return lambda x: dense(x.astype(np.float32, copy=False), floats)
    for kind in (np.uint8, np.float32):  # compiled now, and not in every process that is forked later
        events.product(np.zeros((1, weight.shape[1]), kind), np.inf)

    def run(x: Array) -> Array:
        spikes = x.size and x.min() >= 0 and x.max() <= FEW
        kind = np.uint8 if spikes else np.float32
        values = x.astype(kind, order="C")  # a copy: numba compiles anew for what is read-only
        y = events.product(values, dense_ns(x.size * len(weight), bytewise=False))
        return dense(x.astype(np.float32, copy=False), floats) if y is None else y

    return run


def dense(x: Array, weight: Array) -> Array:
    """One product for all rows of all samples."""
    return (x.reshape(-1, x.shape[-1]) @ weight.T).reshape(*x.shape[:-1], len(weight))
