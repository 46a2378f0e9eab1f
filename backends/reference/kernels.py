"""
Neurons of the chip in one pass over memory, compiled by numba: currents in, spikes or payloads and their number out.

All arrays are C-contiguous, (T, N, F): steps, rows, features; state stays in cache for a block of features over all steps.
Numbers are floats that hold every intermediate exactly; the caller proves that (`backends.reference.neurons`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from backends.trace import Array

BLOCK = 1024
"""Neurons whose state is held at once: 8 KiB at most."""


@njit(cache=True, nogil=True)
def lif(x: Array, bias: Array, gain: Any, kept: Any, threshold: Any, most: Any, spikes: Array) -> int:
    """
    v <- clip(trunc(v kept) + gain x + bias) to +-most;  s = [v > threshold];  v <- 0 where s.

    Args:
        x: currents, float32 or float64, in which all of this is exact; the constants are of the same type. bias: (F,).
        spikes: (T, N, F) uint8, written.

    Returns:
        How many spikes there were.
    """
    steps, rows, features = x.shape
    zero = gain - gain
    v = np.empty(min(BLOCK, features), x.dtype)
    total = 0
    for row in range(rows):
        for start in range(0, features, BLOCK):
            n = min(BLOCK, features - start)
            v[:n] = zero
            shift = bias[start : start + n]
            for t in range(steps):
                current, out = x[t, row, start : start + n], spikes[t, row, start : start + n]
                fired = np.int32(0)
                for i in range(n):
                    u = np.trunc(v[i] * kept) + current[i] * gain + shift[i]
                    u = min(max(u, -most), most)
                    spike = u > threshold
                    out[i] = spike
                    fired = np.int32(fired + np.int32(spike))
                    v[i] = zero if spike else u
                total += fired
    return int(total)


@njit(cache=True, nogil=True)
def payloads(x: Array, bias: Array, gain: Any, low: Any, high: Any, values: Array) -> int:
    """y = clip(floor((x + bias) gain)) to low..high, written to `values`; how many are not zero. x and values: (N, F)."""
    total = 0
    for row in range(x.shape[0]):
        active = np.int32(0)
        for i in range(x.shape[1]):
            y = min(max(np.floor((x[row, i] + bias[i]) * gain), low), high)
            values[row, i] = y
            active = np.int32(active + np.int32(y != 0))
        total += active
    return int(total)


@njit(cache=True, nogil=True)
def gated_payloads(x: Array, bias: Array, gain: Any, low: Any, high: Any, gates: Array, values: Array) -> int:
    """`payloads` where `gates` (N, F), of 0 and 1, are open; zero elsewhere."""
    total = 0
    for row in range(x.shape[0]):
        active = np.int32(0)
        for i in range(x.shape[1]):
            y = min(max(np.floor((x[row, i] + bias[i]) * gain), low), high) * gates[row, i]
            values[row, i] = y
            active = np.int32(active + np.int32(y != 0))
        total += active
    return int(total)


@njit(cache=True, nogil=True)
def joint_active(a: Array, b: Array) -> int:
    """How many of the products a[g, i, c] b[g, c, n] are not zero."""
    groups, first, common = a.shape
    total = 0
    own = np.empty(common, np.int64)
    for g in range(groups):
        own[:] = 0
        for i in range(first):
            for c in range(common):
                own[c] += a[g, i, c] != 0
        for c in range(common):
            other = 0
            for n in range(b.shape[2]):
                other += b[g, c, n] != 0
            total += own[c] * other
    return int(total)


@njit(cache=True, nogil=True)
def weighted_active(x: Array, weights: Array) -> int:
    """The sum over rows of the weights (F,) of what is not zero in x (N, F)."""
    total = 0
    for row in range(x.shape[0]):
        found = 0
        for i in range(x.shape[1]):
            found += weights[i] * (x[row, i] != 0)
        total += found
    return int(total)
