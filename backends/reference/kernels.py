"""
Neurons of the chip in one pass over memory, compiled by numba: currents in, spikes or payloads and their number out.

All arrays are C-contiguous; the state of a block of neurons stays in cache over all steps. Numbers are floats that hold every
intermediate exactly; the caller proves that (`backends.reference.populations`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from backends.reference.compiled import BLOCK
from backends.trace import Array


@njit(cache=True, nogil=True)
def lif(x: Array, bias: Array, gain: Any, kept: Any, threshold: Any, most: Any, spikes: Array) -> int:
    """
    v <- clip(trunc(v kept) + gain x + bias) to +-most;  s = [v > threshold];  v <- 0 where s.

    Args:
        x: currents (T, neurons), float32 or float64, in which all of this is exact; the constants are of the same type.
        bias: (P,), neuron n has bias[n % P].
        spikes: (T, neurons) uint8, written.

    Returns:
        How many spikes there were.
    """
    steps, neurons = x.shape
    period = bias.shape[0]
    zero = gain - gain
    v = np.empty(min(BLOCK, period), x.dtype)
    total = 0
    for base in range(0, neurons, period):
        for first in range(0, min(period, neurons - base), BLOCK):
            start = base + first
            n = min(BLOCK, period - first, neurons - start)
            v[:n] = zero
            shift = bias[first : first + n]
            for t in range(steps):
                current, out = x[t, start : start + n], spikes[t, start : start + n]
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
    """y = clip(floor((x + bias) gain)) to low..high, written to `values`, (neurons,); how many are not zero. bias as in `lif`."""
    zero = gain - gain
    total = 0
    for base in range(0, x.size, bias.size):
        n = min(bias.size, x.size - base)
        current, out = x[base : base + n], values[base : base + n]  # of slices the compiler sees that they do not wrap
        active = np.int32(0)
        for i in range(n):
            y = min(max(np.floor((current[i] + bias[i]) * gain), low), high)
            out[i] = y
            active = np.int32(active + np.int32(y != zero))
        total += active
    return int(total)


@njit(cache=True, nogil=True)
def gated_payloads(x: Array, bias: Array, gain: Any, low: Any, high: Any, gates: Array, values: Array) -> int:
    """`payloads` where `gates` (neurons,), of 0 and 1, are open; zero elsewhere."""
    zero = gain - gain
    total = 0
    for base in range(0, x.size, bias.size):
        n = min(bias.size, x.size - base)
        current, opened, out = x[base : base + n], gates[base : base + n], values[base : base + n]
        active = np.int32(0)
        for i in range(n):
            y = min(max(np.floor((current[i] + bias[i]) * gain), low), high)
            y = y if opened[i] else zero
            out[i] = y
            active = np.int32(active + np.int32(y != zero))
        total += active
    return int(total)


@njit(cache=True, nogil=True)
def active(x: Array) -> int:
    """How many of x (N,) are not zero."""
    total = 0
    for base in range(0, x.size, BLOCK):
        part = x[base : base + BLOCK]
        found = np.int32(0)
        for i in range(part.size):
            found = np.int32(found + np.int32(part[i] != 0))
        total += found
    return int(total)


@njit(cache=True, nogil=True)
def channels_last(x: Array, y: Array) -> None:
    """Images x (rows, channels, positions), written to y (rows, positions, channels)."""
    for row in range(x.shape[0]):
        for channel in range(x.shape[1]):
            source, target = x[row, channel], y[row, :, channel]
            for i in range(source.size):
                target[i] = source[i]


EVENTS = 256
"""Weights of eight bits that int16 adds up for certain."""
TOGETHER = 8
"""Rows of weights that are added in one pass."""


@njit(cache=True, nogil=True)
def total(x: Array) -> int:
    """The sum of x (N,) uint8."""
    found = 0
    for base in range(0, x.size, BLOCK):
        part = x[base : base + BLOCK]
        own = np.int32(0)
        for i in range(part.size):
            own = np.int32(own + np.int32(part[i]))
        found += own
    return int(found)


@njit(cache=True, nogil=True)
def event_product(x: Array, events: int, rows: Array, gain: Any, y: Array) -> None:
    """
    The product of spikes with weights, event by event: the rows of what is active, added up.

    Args:
        x: (M, K) uint8, how many events of each input. events: the sum of x.
        rows: (strips, K + 1, width) int8, every input's weights to a strip of the targets; the last row is zero.
        gain: what the sums are multiplied by, of the type of y; sums and products of that type are exact.
        y: (M, N), written.
    """
    sources, starts = _events(x, events, rows.shape[1] - 1)
    width, targets = rows.shape[2], y.shape[1]
    sums = np.empty(width, np.int16)
    for strip in range(rows.shape[0]):
        own, left = rows[strip], strip * width
        for m in range(x.shape[0]):
            out = y[m, left : min(left + width, targets)]
            for i in range(out.size):
                out[i] = 0
            for first in range(starts[m], starts[m + 1], EVENTS):
                for i in range(width):
                    sums[i] = 0
                for j in range(first, min(first + EVENTS, starts[m + 1]), TOGETHER):
                    a, b, c, d = own[sources[j]], own[sources[j + 1]], own[sources[j + 2]], own[sources[j + 3]]
                    e, f, g, h = own[sources[j + 4]], own[sources[j + 5]], own[sources[j + 6]], own[sources[j + 7]]
                    for i in range(width):
                        near = np.int16(a[i]) + np.int16(b[i]) + np.int16(c[i]) + np.int16(d[i])
                        far = np.int16(e[i]) + np.int16(f[i]) + np.int16(g[i]) + np.int16(h[i])
                        sums[i] += near + far
                for i in range(out.size):
                    out[i] += sums[i] * gain


@njit(cache=True, nogil=True)
def _events(x: Array, events: int, nothing: int) -> tuple[Array, Array]:
    """(the inputs of all events row by row, each row filled up with `nothing` to a multiple of TOGETHER; where rows start)."""
    one = np.uint64(1)
    starts = np.empty(x.shape[0] + 1, np.int64)
    sources = np.empty(events + TOGETHER * x.shape[0] + 1, np.int32)
    end = np.uint64(0)  # unsigned numbers are not asked whether they count from the back
    for m in range(x.shape[0]):
        row, most = x[m], np.uint8(0)
        starts[m] = end
        for k in range(row.size):
            most = max(most, row[k])
        if most <= 1:
            for k in range(row.size):
                sources[end] = k
                end += np.uint64(row[k])
        else:
            for k in range(row.size):
                sources[end] = k
                if row[k] <= 1:  # nearly always, so that the processor guesses well
                    end += np.uint64(row[k])
                else:
                    for _ in range(row[k]):
                        sources[end] = k
                        end += one
        while (end - np.uint64(starts[m])) % np.uint64(TOGETHER):
            sources[end] = nothing
            end += one
    starts[-1] = end
    return sources, starts


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
