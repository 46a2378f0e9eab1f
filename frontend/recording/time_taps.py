"""
A convolution along the window as one convolution of features per tap, each of the value some steps late.

    y[t] = sum over j of W_j x[t - late_j] + b          conv(pad(x, (k - 1, 0))): late_j = k - 1 - j

So it is causal, and delays of synapses are all that a chip needs for it. A tap that looks ahead has no such form, unless its
weights are all 0, nor has a convolution that leaves steps out: these take the whole window, on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frontend.recording.layout import FEATURE, Axis, Dim, View, is_time
from frontend.recording.moments import Moments
from frontend.recording.recorder import Constant, Recorder
from ir.ops import Add, Conv, Delay


@dataclass(frozen=True)
class AlongWindow:
    """Where a convolution meets the steps of a window."""

    place: int
    """The dimension of its input."""
    held: Moments
    """What lies there."""

    @property
    def axis(self) -> int:
        """The dimension among those of the kernel."""
        return self.place - 2


def along_window(recorder: Recorder, x: View) -> AlongWindow | None:
    """The dimension behind samples and channels that holds steps of a value; None where there is none."""
    for place in range(2, len(x.dims)):
        if is_time(x.dims[place]):
            return AlongWindow(place, Moments(x, tuple(range(recorder.window(x)))))
        if (x, place) in recorder.moments:
            return AlongWindow(place, recorder.moments[x, place])
    return None


def by_taps(recorder: Recorder, along: AlongWindow, op: Conv, params: dict[str, Constant]) -> Moments | None:
    """
    What a convolution of (B, C, *spatial) makes along the window, steps before 0 and from T on for what lies outside of it.

    None where a tap looks ahead, or steps are left out.
    """
    axis, kernels, window = along.axis, params["weight"].array, recorder.window(along.held.window)
    reads = op.reads(axis, len(along.held.steps), kernels.shape[axis + 2]).T
    steps = (*along.held.steps, None)  # element -1 is a zero
    taps = [[steps[int(element)] for element in tap] for tap in reads]
    times = _times(taps, window)
    if not times:
        return None
    late = [_late(tap, times, window) for tap in taps]
    weighty = [bool(kernels.take(tap, axis + 2).any()) for tap in range(len(taps))]
    if any(weighs and (n is None or n < 0) for n, weighs in zip(late, weighty, strict=True)):
        return None
    kept = {tap: n for tap, n in enumerate(late) if n is not None and 0 <= n < window}
    return Moments(_summed(recorder, along, op, params, kept), tuple(times)) if kept else None


def _times(taps: Sequence[Sequence[int | None]], steps: int) -> range:
    """The steps that the results are of: the whole window, or those of the last tap; empty where that reads zeros only."""
    outputs = len(taps[-1])
    if outputs == steps:
        return range(steps)
    first = next((step - place for place, step in enumerate(taps[-1]) if step is not None), None)
    return range(0) if first is None else range(first, first + outputs)


def _late(tap: Sequence[int | None], times: range, steps: int) -> int | None:
    """By how many steps a tap reads late within the window, T where it reads zeros only; None where it is no delay."""
    within = [(time, step) for time, step in zip(times, tap, strict=True) if 0 <= time < steps]
    for late in range(1 - steps, steps + 1):
        if all(step == (time - late if 0 <= time - late < steps else None) for time, step in within):
            return late
    return None


def _summed(
    recorder: Recorder, along: AlongWindow, op: Conv, params: dict[str, Constant], late: dict[int, int]
) -> View:
    """The sum of the taps, of which `late` says how many steps each is behind."""
    places = _Places.of(along)
    x = recorder.in_order(along.held.window.with_dims((places.outer, places.channels, *places.spatial)))
    least, values = min(late, key=late.__getitem__), list[str]()
    for tap, steps in sorted(late.items(), key=lambda item: item[1]):
        delayed = recorder.emit(Delay(steps), x.value, name=f"{recorder.path}.late") if steps else x.value
        own = {"weight": places.kernels(params["weight"], tap)}
        own |= {"bias": params["bias"]} if "bias" in params and tap == least else {}
        values.append(recorder.emit(places.without_time(op), delayed, params=own, name=recorder.path))
    value = values[0] if len(values) == 1 else recorder.emit(Add(), *values, name=f"{recorder.path}.taps")
    return places.result(recorder, value)


@dataclass(frozen=True)
class _Places:
    """
    The dimensions of a tensor (samples, channels, *spatial) without the one of steps.

    Features that lie among the samples are places that a kernel of length 1 meets; without any, nor others, there is one place.
    """

    samples: Dim
    channels: Dim
    rest: tuple[Dim, ...]
    time: Dim
    axis: int
    """Of time, among the spatial ones."""

    @classmethod
    def of(cls, along: AlongWindow) -> _Places:
        """Those of what is convolved."""
        samples, channels, *spatial = along.held.window.dims
        time = spatial.pop(along.axis)
        return cls(samples, channels, tuple(spatial), time, along.axis)

    @property
    def outer(self) -> Dim:
        """Samples and steps."""
        return (*(axis for axis in self.samples if axis.kind != FEATURE), *self.time)

    @property
    def tokens(self) -> Dim:
        """The features among the samples."""
        return tuple(axis for axis in self.samples if axis.kind == FEATURE)

    @property
    def single(self) -> int:
        """How many places a kernel of length 1 meets beside its other axes: one or none."""
        return int(bool(self.tokens) or not self.rest)

    @property
    def spatial(self) -> tuple[Dim, ...]:
        """What a tap is convolved along."""
        return (*[self.tokens] * self.single, *self.rest)

    def without_time(self, op: Conv) -> Conv:
        """The convolution of one tap."""

        def axes(each: tuple[int, ...], alone: int) -> tuple[int, ...]:
            return (*[alone] * self.single, *each[: self.axis], *each[self.axis + 1 :])

        spread, extra = (axes(op.spread, 1) if op.spread else ()), (axes(op.extra, 0) if op.extra else ())
        return Conv(axes(op.stride, 1), axes(op.padding, 0), axes(op.dilation, 1), op.groups, spread, extra)

    def kernels(self, weight: Constant, tap: int) -> Constant:
        """The kernels of one tap."""
        array = weight.array.take(tap, self.axis + 2)
        shape = (*array.shape[:2], *[1] * self.single, *array.shape[2:])
        return Constant(f"{weight.name}.tap{tap}", np.ascontiguousarray(array.reshape(shape)))

    def result(self, recorder: Recorder, value: str) -> View:
        """A value (channels, *spatial) as the tensor that the convolution makes."""
        channels, *sizes = recorder.shape(value)
        places: list[Dim] = [self.tokens] * self.single + [_features(size) for size in sizes[self.single :]]
        view = recorder.result(value, (_features(channels), *places))
        features, *spatial = view.dims
        tokens = iter(spatial.pop(0) if self.single else ())
        samples = tuple(next(tokens) if axis.kind == FEATURE else axis for axis in self.samples)
        return view.with_dims((samples, features, *spatial[: self.axis], self.time, *spatial[self.axis :]))


def _features(size: int) -> Dim:
    return (Axis(FEATURE, size),) if size > 1 else ()
