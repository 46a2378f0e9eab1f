"""Average pooling, which is a convolution with equal weights, and maximum pooling, which is OR between spikes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from frontend.function_rules.joining import cat
from frontend.function_rules.layers import conv, each, feature_dim
from frontend.function_rules.reductions import mean
from frontend.function_rules.resampling import in_planes, mapped, out_of_planes, weights_of
from frontend.function_rules.slicing import take
from frontend.function_rules.views import reshape
from frontend.recording.layout import View, is_outer, is_plain
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import MaxPool

Size = int | Sequence[int]
OutputSize = int | None | Sequence[int | None]
AVERAGES = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
ADAPTIVE = (functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d)


def avg_pool(
    recorder: Recorder,
    x: View,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    axes: int,
) -> View:
    """The means of windows along the last `axes` axes; a convolution, or where windows differ the map that it is."""
    kernel = each(kernel_size, axes)
    steps, pads = each(stride or kernel, axes), each(padding, axes)
    planes = in_planes(x, axes, kernel, steps, pads)
    if planes is not None:
        rest = (kernel[1:], steps[1:], pads[1:], ceil_mode, count_include_pad, divisor_override)
        return out_of_planes(avg_pool(recorder, planes, *rest, axes=axes - 1), x, axes)
    if (count_include_pad or not any(pads)) and not (ceil_mode and _is_cut_short(x, kernel, steps, pads)):
        channels = x.shape[1]
        weight = torch.full((channels, 1, *kernel), 1 / (divisor_override or prod(kernel)))
        return conv(recorder, x, weight, None, steps, pads, 1, channels)
    options = (kernel, steps, pads, ceil_mode, count_include_pad, *([divisor_override] if axes > 1 else []))
    return mapped(recorder, x, axes, lambda images: AVERAGES[axes - 1](images, *options))


def _is_cut_short(x: View, kernel: Sequence[int], steps: Sequence[int], pads: Sequence[int]) -> bool:
    """Whether a last window would reach beyond the padded input."""
    spatial = zip(x.shape[2:], kernel, steps, pads, strict=True)
    return any((n + 2 * pad - size) % step for n, size, step, pad in spatial)


def adaptive_avg_pool(recorder: Recorder, x: View, output_size: OutputSize, *, axes: int) -> View:
    """The means of windows along the last `axes` axes, of one size where the input is a multiple of the output."""
    sizes = _output_sizes(x, output_size, axes)
    window = _windows(x, sizes)
    if window is None:
        return mapped(recorder, x, axes, lambda images: ADAPTIVE[axes - 1](images, sizes))
    sides = x.shape[-axes:]
    if all(width in (1, side) for width, side in zip(window, sides, strict=True)):  # axes that stay may be of any kind
        whole = tuple(place - axes for place, width in enumerate(window) if width > 1)
        return mean(recorder, x, whole, keepdim=True) if whole else x
    return avg_pool(recorder, x, window, axes=axes)


def _output_sizes(x: View, output_size: OutputSize, axes: int) -> Any:
    sizes = (output_size,) * axes if isinstance(output_size, int) or output_size is None else tuple(output_size)
    return tuple(n if size is None else int(size) for n, size in zip(x.shape[-axes:], sizes, strict=True))


def _windows(x: View, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The windows by which adaptive pooling is plain pooling; None where the input is no multiple of the output."""
    before = x.shape[-len(sizes) :]
    if any(n % size for n, size in zip(before, sizes, strict=True)):
        return None
    return tuple(n // size for n, size in zip(before, sizes, strict=True))


def max_pool(
    recorder: Recorder,
    x: View,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    axes: int,
) -> View:
    """
    The largest value of windows along the last `axes` axes of (N, C, *spatial), N holding time and batch.

    `return_indices` is never set: torch calls another function then.
    """
    kernel = each(kernel_size, axes)
    steps, pads, gaps = each(stride or kernel, axes), each(padding, axes), each(dilation, axes)
    planes = in_planes(x, axes, kernel, steps, pads)
    if planes is not None:
        rest = (kernel[1:], steps[1:], pads[1:], gaps[1:], ceil_mode)
        return out_of_planes(max_pool(recorder, planes, *rest, axes=axes - 1), x, axes)
    if len(x.dims) != axes + 2 or not is_outer(x.dims[0]) or not all(map(is_plain, x.dims[1:])):
        raise CompileError(
            "import.axes", f"a maximum pooling needs (N, C, ...), N of time and batch only: the tensor is {x}"
        )
    extra = _last_windows(x.shape[2:], kernel, steps, pads, gaps) if ceil_mode else ()
    op = MaxPool(kernel, steps, pads, gaps, extra)
    x = recorder.in_order(x)
    value = recorder.emit(op, x.value)
    return recorder.result(value, (x.dims[0], *map(feature_dim, recorder.type(View(value, ())).shape)))


def _last_windows(sizes: tuple[int, ...], *window: tuple[int, ...]) -> tuple[int, ...]:
    """By how much the last windows reach beyond the padded input, those that begin inside of it; () where none does."""
    extra: list[int] = []
    for n, size, step, pad, gap in zip(sizes, *window, strict=True):
        length, reach = n + 2 * pad, gap * (size - 1) + 1
        last = -(-(length - reach) // step) * step
        last = last - step if last >= n + pad else last
        extra.append(max(0, last + reach - length))
    return tuple(extra) if any(extra) else ()


def adaptive_max_pool(
    recorder: Recorder, x: View, output_size: OutputSize, return_indices: bool = False, *, axes: int
) -> View:
    """The largest values of windows along the last `axes` axes; `return_indices` is never set here."""
    sizes = _output_sizes(x, output_size, axes)
    window = _windows(x, sizes)
    if window is not None:
        return max_pool(recorder, x, window, axes=axes)
    reads, _ = weights_of(lambda images: ADAPTIVE[axes - 1](images, sizes), x.shape[-axes:])
    flat, parts, order = reshape(recorder, x, (*x.shape[:-axes], -1)), list[View](), list[int]()
    for taps in sorted({len(read) for read, _ in reads}):
        places = [place for place, (read, _) in enumerate(reads) if len(read) == taps]
        side_by_side = take(recorder, flat, -1, [int(k) for place in places for k in reads[place][0]])
        parts.append(max_pool(recorder, side_by_side, taps, axes=1))
        order += places
    joined = cat(recorder, parts, -1)
    return reshape(
        recorder, take(recorder, joined, -1, [int(k) for k in np.argsort(order)]), (*x.shape[:-axes], *sizes)
    )


RULES = {
    **{f"max_pool{axes}d": partial(max_pool, axes=axes) for axes in (1, 2, 3)},
    **{f"adaptive_max_pool{axes}d": partial(adaptive_max_pool, axes=axes) for axes in (1, 2, 3)},
    **{f"avg_pool{axes}d": partial(avg_pool, axes=axes) for axes in (1, 2, 3)},
    **{f"adaptive_avg_pool{axes}d": partial(adaptive_avg_pool, axes=axes) for axes in (1, 2, 3)},
}
"""Function name -> rule."""
