"""Event cameras' data as inputs: events (x, y, t, p) counted into frames (T, B, 2, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.trace import Array
from ir.errors import CompileError

FIELDS = ("x", "y", "t", "p")
POLARITIES = 2


def bin_events(
    samples: Sequence[Any], *, steps: int, height: int, width: int, duration: float | None = None, most: int = 1
) -> Array:
    """
    Frames of T steps of equal length, in which each pixel and polarity counts its events.

    An event at time t is in step floor((t - first) T / duration), first being the sample's first event; step T - 1 takes the
    one at the very end of a duration that is the sample's own.

    Args:
        samples: one structured array per sample, with the fields x, y, t, p, as tonic's data sets give them; p is 0 or 1
            (or a flag), t in any unit.
        steps: T.
        height, width: of the sensor.
        duration: of every sample, in the unit of t; later events are left out. By default each sample lasts from its first
            to its last event.
        most: a count is at most this; 1 makes spikes, more makes `count<most>` inputs.

    Returns:
        float32 array (T, B, 2, height, width) of whole numbers 0..most, channel 1 for p = 1.

    Raises:
        CompileError: an array lacks a field, or an event lies outside of the sensor.
    """
    if min(steps, height, width, most) < 1 or (duration is not None and not duration > 0):
        raise CompileError("events.size", "steps, height, width, duration and most must be above 0")
    frames = np.zeros((steps, len(samples), POLARITIES, height, width), np.float32)
    for number, events in enumerate(samples):
        frames[:, number] = _frames(events, number, frames[:, number].shape, duration)
    return np.minimum(frames, most)


def _frames(events: Any, number: int, shape: tuple[int, ...], duration: float | None) -> Array:
    """The counts (T, 2, H, W) of one sample."""
    x, y, t, p = _fields(events, number)
    counts = np.zeros(shape, np.float32)
    if not len(t):
        return counts
    steps, _, height, width = shape
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height) | (p < 0) | (p >= POLARITIES)
    if outside.any():
        k = int(np.flatnonzero(outside)[0])
        what = f"event {k} of sample {number}, x {x[k]}, y {y[k]}, p {p[k]}, is outside of {width} x {height} x {POLARITIES}"
        raise CompileError("events.place", what, hint="p is 0 or 1; check height and width")
    late = t - t.min()
    length = duration if duration is not None else max(late.max(), 1e-300)
    step = np.floor(late * (steps / length)).astype(np.int64)
    if duration is None:
        step = np.minimum(step, steps - 1)
    kept = step < steps
    np.add.at(counts, (step[kept], p[kept], y[kept], x[kept]), 1)
    return counts


def _fields(events: Any, number: int) -> tuple[Array, Array, Array, Array]:
    """The events' fields: places as whole numbers, times as floats."""
    names = getattr(getattr(events, "dtype", None), "names", None) or ()
    missing = [name for name in FIELDS if name not in names]
    if missing:
        what = f"sample {number} is no array of events: it has no field {missing[0]}"
        raise CompileError("events.fields", what, hint="a structured array with the fields x, y, t, p")
    x, y, p = (np.asarray(events[name]).astype(np.int64) for name in ("x", "y", "p"))
    return x, y, np.asarray(events["t"]).astype(np.float64), p
