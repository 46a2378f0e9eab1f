"""Average pooling, which is a convolution with equal weights, and maximum pooling, which is OR between spikes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod

import torch

from frontend.function_rules.layers import conv, each, feature_dim
from frontend.function_rules.reductions import mean
from frontend.recording.layout import View, is_outer, is_plain
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import MaxPool

Size = int | Sequence[int]
OutputSize = int | None | Sequence[int | None]


def _pool(
    recorder: Recorder, x: View, kernel: tuple[int, ...], stride: Size | None, padding: Size, exact: bool
) -> View:
    """The means of windows as a convolution, channel by channel; `exact`: every window counts its padding."""
    if not exact:
        raise CompileError(
            "import.pool",
            "cannot import pooling with ceil_mode, count_include_pad=False or divisor_override",
            hint="choose a kernel that divides the input",
        )
    channels = x.shape[1]
    weight = torch.full((channels, 1, *kernel), 1 / prod(kernel))
    return conv(recorder, x, weight, None, kernel if stride is None else stride, padding, 1, channels)


def avg_pool1d(
    recorder: Recorder,
    x: View,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> View:
    """The mean of windows along one axis."""
    kernel = (kernel_size,) if isinstance(kernel_size, int) else tuple(kernel_size)
    return _pool(recorder, x, kernel, stride or None, padding, not ceil_mode and (count_include_pad or not padding))


def avg_pool2d(
    recorder: Recorder,
    x: View,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> View:
    """The mean of windows along two axes."""
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    exact = not ceil_mode and divisor_override is None and (count_include_pad or padding in (0, (0, 0)))
    return _pool(recorder, x, kernel, stride or None, padding, exact)


def adaptive_avg_pool(recorder: Recorder, x: View, output_size: OutputSize, *, axes: int) -> View:
    """The means of equal windows along the last `axes` axes."""
    window = _windows(x, output_size, axes)
    if window == x.shape[-axes:]:
        return mean(recorder, x, tuple(range(-axes, 0)), keepdim=True)
    return x if set(window) == {1} else _pool(recorder, x, window, None, 0, True)


def _windows(x: View, output_size: OutputSize, axes: int) -> tuple[int, ...]:
    """The windows by which adaptive pooling is plain pooling: the input must be whole multiples of the output."""
    sizes = (output_size,) * axes if isinstance(output_size, int) or output_size is None else tuple(output_size)
    before = x.shape[-axes:]
    after = tuple(n if size is None else int(size) for n, size in zip(before, sizes, strict=True))
    if any(n % size for n, size in zip(before, after, strict=True)):
        raise CompileError(
            "import.pool",
            f"cannot import adaptive pooling from {before} to {after}: its windows overlap",
            hint="choose an output size that divides the input, or use AvgPool",
        )
    return tuple(n // size for n, size in zip(before, after, strict=True))


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
    if len(x.dims) != axes + 2 or not is_outer(x.dims[0]) or not all(map(is_plain, x.dims[1:])):
        raise CompileError(
            "import.axes", f"a maximum pooling needs (N, C, ...), N of time and batch only: the tensor is {x}"
        )
    kernel = each(kernel_size, axes)
    op = MaxPool(kernel, each(stride or kernel, axes), each(padding, axes), each(dilation, axes))
    x = recorder.in_order(x)
    value = recorder.emit(op, x.value)
    spatial = zip(x.shape[2:], op.kernel, op.stride, op.padding, op.dilation, strict=True)
    if ceil_mode and any((n + 2 * pad - gap * (k - 1) - 1) % step for n, k, step, pad, gap in spatial):
        raise CompileError(
            "import.pool",
            "cannot import a maximum pooling with ceil_mode whose last window is cut short",
            hint="choose a window that divides the input, or pad it",
        )
    return recorder.result(value, (x.dims[0], *map(feature_dim, recorder.type(View(value, ())).shape)))


def adaptive_max_pool(
    recorder: Recorder, x: View, output_size: OutputSize, return_indices: bool = False, *, axes: int
) -> View:
    """The largest values of equal windows along the last `axes` axes; `return_indices` is never set here."""
    return max_pool(recorder, x, _windows(x, output_size, axes), axes=axes)


RULES = {
    "max_pool1d": partial(max_pool, axes=1),
    "max_pool2d": partial(max_pool, axes=2),
    "adaptive_max_pool1d": partial(adaptive_max_pool, axes=1),
    "adaptive_max_pool2d": partial(adaptive_max_pool, axes=2),
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool1d": partial(adaptive_avg_pool, axes=1),
    "adaptive_avg_pool2d": partial(adaptive_avg_pool, axes=2),
}
"""Function name -> rule."""
