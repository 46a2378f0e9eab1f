"""Average pooling, which is a convolution with equal weights. (Maximum pooling of currents is no synapse and has no rule.)"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch

from frontend.function_rules.layers import conv
from frontend.function_rules.reductions import mean
from frontend.layout import View
from frontend.recorder import Recorder
from ir.errors import CompileError

Size = int | Sequence[int]


def _pool(
    recorder: Recorder, x: View, kernel: tuple[int, ...], stride: Size | None, padding: Size, exact: bool
) -> View:
    if not exact:
        raise CompileError("import.pool", "cannot import pooling with ceil_mode, count_include_pad=False or divisor_override",
                           hint="choose a kernel that divides the input")  # fmt: skip
    channels = x.shape[1]
    weight = torch.full((channels, 1, *kernel), 1 / prod(kernel))
    return conv(recorder, x, weight, None, kernel if stride is None else stride, padding, 1, channels)


def avg_pool1d(
    recorder: Recorder, x: View, kernel_size: Size, stride: Size | None = None, padding: Size = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> View:  # fmt: skip
    """The mean of windows along one axis."""
    kernel = (kernel_size,) if isinstance(kernel_size, int) else tuple(kernel_size)
    return _pool(recorder, x, kernel, stride or None, padding, not ceil_mode and (count_include_pad or not padding))


def avg_pool2d(
    recorder: Recorder, x: View, kernel_size: Size, stride: Size | None = None, padding: Size = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> View:  # fmt: skip
    """The mean of windows along two axes."""
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    exact = not ceil_mode and divisor_override is None and (count_include_pad or padding in (0, (0, 0)))
    return _pool(recorder, x, kernel, stride or None, padding, exact)


def adaptive_avg_pool1d(recorder: Recorder, x: View, output_size: Size) -> View:
    """The mean of everything along the last axis."""
    return _global(recorder, x, output_size, 1)


def adaptive_avg_pool2d(recorder: Recorder, x: View, output_size: Size) -> View:
    """The mean of everything along the last two axes."""
    return _global(recorder, x, output_size, 2)


def _global(recorder: Recorder, x: View, output_size: Size, axes: int) -> View:
    if output_size not in (1, (1,) * axes, [1] * axes):
        raise CompileError(
            "import.pool", f"cannot import adaptive pooling to {output_size}", hint="to 1, or use AvgPool"
        )
    return mean(recorder, x, tuple(range(-axes, 0)), keepdim=True)


RULES = {
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool1d": adaptive_avg_pool1d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
}
"""Function name -> rule."""
