"""
Neurons of the chip in one pass over memory, compiled by numba: currents in, spikes or payloads and their number out.

All arrays are C-contiguous; the state of a block of neurons stays in cache over all steps. Numbers are floats that hold every
intermediate exactly; the caller proves that (`backends.reference.run.populations`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.jit import kernel
from backends.trace import Array

BLOCK = 2048
"""Neurons whose state a kernel holds at once: 16 KiB at most."""


@kernel
def lif(x: Array, bias: Array, level: Array, gain: Any, keep: Any, most: Any, spikes: Array) -> int:
    """
    v <- clip(trunc(v keep) + gain x + bias) to +-most;  s = [v > level];  v <- 0 where s.

    Args:
        x: currents (T, neurons), float32 or float64, in which all of this is exact; the constants are of the same type.
        bias, level: (P,), neuron n has bias[n % P].
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
            shift, threshold = bias[first : first + n], level[first : first + n]
            for t in range(steps):
                current, out = x[t, start : start + n], spikes[t, start : start + n]
                fired = np.int32(0)
                for i in range(n):
                    u = np.trunc(v[i] * keep) + current[i] * gain + shift[i]
                    u = min(max(u, -most), most)
                    spike = u > threshold[i]
                    out[i] = spike
                    fired = np.int32(fired + np.int32(spike))
                    v[i] = zero if spike else u
                total += fired
    return int(total)


@kernel
def lif_step(
    x: Array,
    u: Array,
    v: Array,
    bias: Array,
    level: Array,
    gain: Any,
    keep_u: Any,
    keep_v: Any,
    half: Any,
    spikes: Array,
) -> None:
    """
    u <- wrap(trunc(u keep_u) + gain x);  v <- clip(trunc(v keep_v) + u + bias);  s = [v > level];  v <- 0 where s.

    One step; u in (-half, half], v in (-half, half).

    Args:
        x, u, v: (samples, neurons) float64; u and v are what the step before left, and are overwritten. bias, level: (neurons,).
        spikes: (samples, neurons) uint8, written.
    """
    for sample in range(x.shape[0]):
        current, us, vs, out = x[sample], u[sample], v[sample], spikes[sample]
        for i in range(bias.size):
            a = np.trunc(us[i] * keep_u) + current[i] * gain
            a = a - 2 * half if a > half else a
            a = a + 2 * half if a <= -half else a
            us[i] = a
            b = min(max(np.trunc(vs[i] * keep_v) + a + bias[i], 1 - half), half - 1)
            out[i] = b > level[i]
            vs[i] = 0.0 if b > level[i] else b


@kernel
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


@kernel
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


@kernel
def channels_last(x: Array, y: Array) -> None:
    """Images x (rows, channels, positions), written to y (rows, positions, channels)."""
    for row in range(x.shape[0]):
        for channel in range(x.shape[1]):
            source, target = x[row, channel], y[row, :, channel]
            for i in range(source.size):
                target[i] = source[i]


@kernel
def product_active(a: Array, b: Array) -> int:
    """How many of the products a[g, i, c] b[g, c, n] are not zero."""
    groups, first, common = a.shape
    total = 0
    in_a = np.empty(common, np.int64)
    for g in range(groups):
        in_a[:] = 0
        for i in range(first):
            for c in range(common):
                in_a[c] += a[g, i, c] != 0
        for c in range(common):
            in_b = 0
            for n in range(b.shape[2]):
                in_b += b[g, c, n] != 0
            total += in_a[c] * in_b
    return int(total)


@kernel
def weighted_active(x: Array, weights: Array) -> int:
    """The sum over rows of the weights (F,) of what is not zero in x (N, F)."""
    total = 0
    for row in range(x.shape[0]):
        reached = 0
        for i in range(x.shape[1]):
            reached += weights[i] * (x[row, i] != 0)
        total += reached
    return int(total)
