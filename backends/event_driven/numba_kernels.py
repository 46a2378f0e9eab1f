"""
Rows of eight-bit weights added up for what is active, compiled by numba; all arrays are C-contiguous.

Rows are added several at a time, so that a sum is loaded and stored once for all of them; a strip of the targets at a time, so
that its weights stay in the second cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.jit import kernel
from ir.graph import Array

BLOCK = 2048
EVENTS = 256
"""Weights of eight bits that int16 adds up for certain."""
TOGETHER = 8
"""Rows that are added in one pass."""


@kernel
def total(x: Array) -> int:
    """The sum of x (N,) uint8."""
    events = 0
    for base in range(0, x.size, BLOCK):
        part = x[base : base + BLOCK]
        subtotal = np.int32(0)  # of 32 bits, which the processor adds up many at a time
        for i in range(part.size):
            subtotal = np.int32(subtotal + np.int32(part[i]))
        events += subtotal
    return int(events)


@kernel
def active(x: Array) -> int:
    """How many of x (N,) are not zero."""
    events = 0
    for base in range(0, x.size, BLOCK):
        part = x[base : base + BLOCK]
        subtotal = np.int32(0)  # of 32 bits, which the processor adds up many at a time
        for i in range(part.size):
            subtotal = np.int32(subtotal + np.int32(part[i] != 0))
        events += subtotal
    return int(events)


@kernel
def spike_product(x: Array, events: int, rows: Array, gain: Any, y: Array) -> None:
    """
    The product of spikes with weights.

    Args:
        x: (M, K) uint8, how many events of each input. events: the sum of x.
        rows: (strips, K + 1, width) int8, every input's weights to a strip of the targets; the last row is zero.
        gain: what the sums are multiplied by, float32, in which they must be exact.
        y: (M, N) float32, written.
    """
    sources, starts = _spike_events(x, events, rows.shape[1] - 1)
    width, targets = rows.shape[2], y.shape[1]
    sums = np.empty(width, np.int16)
    for strip in range(rows.shape[0]):
        weights, left = rows[strip], strip * width
        for m in range(x.shape[0]):
            out = y[m, left : min(left + width, targets)]
            for i in range(out.size):
                out[i] = 0
            for first in range(starts[m], starts[m + 1], EVENTS):
                for i in range(width):
                    sums[i] = 0
                for j in range(first, min(first + EVENTS, starts[m + 1]), TOGETHER):
                    a, b, c, d = (
                        weights[sources[j]],
                        weights[sources[j + 1]],
                        weights[sources[j + 2]],
                        weights[sources[j + 3]],
                    )
                    e, f, g, h = (
                        weights[sources[j + 4]],
                        weights[sources[j + 5]],
                        weights[sources[j + 6]],
                        weights[sources[j + 7]],
                    )
                    for i in range(width):
                        near = np.int16(a[i]) + np.int16(b[i]) + np.int16(c[i]) + np.int16(d[i])
                        far = np.int16(e[i]) + np.int16(f[i]) + np.int16(g[i]) + np.int16(h[i])
                        sums[i] += near + far
                for i in range(out.size):
                    out[i] += sums[i] * gain


@kernel
def payload_product(x: Array, events: int, rows: Array, gain: Any, y: Array) -> None:
    """
    The product of payloads with weights; as `spike_product`, but for:

    Args:
        x: (M, K), whole numbers of any type; float32 must hold the sums of their products with weights and gain.
        events: how many of them are not zero.
    """
    sources, payloads, starts = _payload_events(x, events, rows.shape[1] - 1, gain)
    width, targets = rows.shape[2], y.shape[1]
    for strip in range(rows.shape[0]):
        weights, left = rows[strip], strip * width
        for m in range(x.shape[0]):
            out = y[m, left : min(left + width, targets)]
            for i in range(out.size):
                out[i] = 0
            for j in range(starts[m], starts[m + 1], TOGETHER):
                a, b, c, d = (
                    weights[sources[j]],
                    weights[sources[j + 1]],
                    weights[sources[j + 2]],
                    weights[sources[j + 3]],
                )
                e, f, g, h = (
                    weights[sources[j + 4]],
                    weights[sources[j + 5]],
                    weights[sources[j + 6]],
                    weights[sources[j + 7]],
                )
                p, q, r, s = payloads[j], payloads[j + 1], payloads[j + 2], payloads[j + 3]
                t, u, v, w = payloads[j + 4], payloads[j + 5], payloads[j + 6], payloads[j + 7]
                for i in range(out.size):
                    near = a[i] * p + b[i] * q + c[i] * r + d[i] * s
                    far = e[i] * t + f[i] * u + g[i] * v + h[i] * w
                    out[i] += near + far


@kernel
def _spike_events(x: Array, events: int, nothing: int) -> tuple[Array, Array]:
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


@kernel
def _payload_events(x: Array, events: int, nothing: int, gain: Any) -> tuple[Array, Array, Array]:
    """`_spike_events` of payloads, and gain times the payloads, zero for `nothing`."""
    one = np.uint64(1)
    starts = np.empty(x.shape[0] + 1, np.int64)
    sources = np.empty(events + TOGETHER * x.shape[0] + 1, np.int32)
    payloads = np.empty(sources.size, np.float32)
    end = np.uint64(0)
    for m in range(x.shape[0]):
        row = x[m]
        starts[m] = end
        for k in range(row.size):
            sources[end] = k
            payloads[end] = row[k] * gain
            end += np.uint64(row[k] != 0)
        while (end - np.uint64(starts[m])) % np.uint64(TOGETHER):
            sources[end], payloads[end] = nothing, 0
            end += one
    starts[-1] = end
    return sources, payloads, starts


@kernel
def convolution(x: Array, weights: Array, down: Array, right: Array, y: Array) -> None:
    """
    Images convolved, event by event: what is active adds its weights to every target that it reaches.

    Args:
        x: (rows, inputs, height, width), whole numbers of any type; float32 must hold the sums of their products with weights.
        weights: (inputs, taps down, taps to the right, outputs of a group) float32.
        down, right: (height, 1 + 2 taps), (width, 1 + 2 taps): how many rows, or columns, an input reaches, then each of them
            and by which tap.
        y: (rows, height, width, groups, outputs of a group) float32, zeros, written.
    """
    inputs, outputs = x.shape[1], weights.shape[3]
    for row in range(x.shape[0]):
        for channel in range(inputs):
            group = channel * y.shape[3] // inputs
            for i in range(x.shape[2]):
                line = x[row, channel, i]
                for j in range(line.size):
                    if line[j] == 0:
                        continue
                    payload = np.float32(line[j])
                    for m in range(1, 1 + 2 * down[i, 0], 2):
                        for n in range(1, 1 + 2 * right[j, 0], 2):
                            out = y[row, down[i, m], right[j, n], group]
                            tap = weights[channel, down[i, m + 1], right[j, n + 1]]
                            for k in range(outputs):
                                out[k] += tap[k] * payload
