"""Convolutions, plain and transposed, embeddings and dropout: what the layers of torch.nn call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from frontend.function_rules.slicing import slice_along
from frontend.recording.layout import FEATURE, Axis, Dim, View, is_outer, is_plain
from frontend.recording.moments import noted
from frontend.recording.recorder import Constant, Recorder
from frontend.recording.steps import folded
from frontend.recording.time_taps import along_window, by_taps
from ir.errors import CompileError
from ir.ops import Conv, Lookup

Tensor = torch.Tensor


def constants(recorder: Recorder, **tensors: Tensor | None) -> dict[str, Constant]:
    """The given parameters by role, without those that are None."""
    for role, tensor in tensors.items():
        if isinstance(tensor, View):
            raise CompileError(
                "import.weight", f"the {role} depends on the network's input", hint="weights must be constants"
            )
    return {role: recorder.constant(tensor, role) for role, tensor in tensors.items() if tensor is not None}


def feature_dim(size: int) -> Dim:
    """The dimension of `size` fresh features."""
    return (Axis(FEATURE, size),) if size > 1 else ()


def require_axes(condition: bool, x: View, what: str) -> None:
    """CompileError about the axes of a tensor unless `condition` holds."""
    if not condition:
        hint = "time first, batch second; inputs that have no time are static= (STATIC_INPUTS in a model file)"
        raise CompileError("import.axes", f"{what}: the tensor is {x}", hint=hint)


def conv(
    recorder: Recorder,
    x: View,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> View:
    """Cross-correlation of (N, C, *spatial), N holding time and batch."""
    params = constants(recorder, weight=weight, bias=bias)
    rank = weight.ndim - 2
    kernel, steps, gaps = tuple(weight.shape[2:]), each(stride, rank), each(dilation, rank)
    before, extra = _padding(padding, kernel, gaps)
    return convolved(recorder, x, Conv(steps, before, gaps, groups, extra=extra), params)


def convolved(recorder: Recorder, x: View, op: Conv, params: dict[str, Constant]) -> View:
    """A convolution of (N, C, *spatial); along the window, its taps are delays where none looks ahead."""
    along = along_window(recorder, x)
    if along is None or len(x.dims) != len(op.stride) + 2:
        return _of_features(recorder, x, op, params)
    causal = by_taps(recorder, along, op, params)
    if causal is not None and causal.steps == tuple(range(recorder.window(causal.window))):
        return causal.window
    y = _of_features(recorder, folded(recorder, x), op, params)
    return noted(recorder, y, along.place, [causal])


def _of_features(recorder: Recorder, x: View, op: Conv, params: dict[str, Constant]) -> View:
    """The node of a convolution of features."""
    require_axes(
        len(x.dims) == len(op.stride) + 2 and is_outer(x.dims[0]),
        x,
        "the first dimension of a convolution must be time and batch",
    )
    require_axes(all(map(is_plain, x.dims[1:])), x, "a convolution would mix time or batch into the features")
    x = recorder.in_order(x)
    value = recorder.emit(op, x.value, params=params, name=recorder.path)
    return recorder.result(value, (x.dims[0], *map(feature_dim, recorder.type(View(value, ())).shape)))


def transposed_conv(
    recorder: Recorder,
    x: View,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> View:
    """The transposed convolution: a convolution with flipped kernels of an input whose elements lie `stride` apart."""
    params = constants(recorder, weight=weight, bias=bias)
    kernels, rank = params["weight"].array, weight.ndim - 2
    inputs, outputs, *taps = kernels.shape
    grouped = kernels.reshape(groups, inputs // groups, outputs, *taps).swapaxes(1, 2)
    flipped = np.flip(grouped.reshape(groups * outputs, inputs // groups, *taps), tuple(range(2, rank + 2)))
    params["weight"] = params["weight"]._replace(array=np.ascontiguousarray(flipped))
    spread, gaps, extra = each(stride, rank), each(dilation, rank), each(output_padding, rank)
    reach = [gap * (size - 1) - pad for gap, size, pad in zip(gaps, taps, each(padding, rank), strict=True)]
    before = tuple(max(0, zeros) for zeros in reach)
    x = convolved(recorder, x, Conv((1,) * rank, before, gaps, groups, spread, extra), params)
    for axis, zeros in enumerate(reach):
        x = slice_along(recorder, x, axis + 2, -zeros, x.shape[axis + 2] + zeros) if zeros < 0 else x
    return x


def each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number per axis."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(item) for item in value)


def _padding(
    padding: str | int | Sequence[int], kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Zeros before every axis, and by how many more lie behind it: 'same' puts an odd one there."""
    if not isinstance(padding, str):
        return each(padding, len(kernel)), ()
    if padding == "valid":
        return (0,) * len(kernel), ()
    reach = [gap * (size - 1) for gap, size in zip(dilation, kernel, strict=True)]
    odd = tuple(total % 2 for total in reach)
    return tuple(total // 2 for total in reach), odd if any(odd) else ()


def dropout(recorder: Recorder, x: View, p: float = 0.5, training: bool = True, inplace: bool = False) -> View:
    """Nothing, in eval mode."""
    if training and p > 0:
        raise CompileError("import.random", "dropout in training mode is random", hint="put the module in eval mode")
    return x


def embedding(
    recorder: Recorder,
    x: View,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> View:
    """The rows of a table. What only training needs is left aside; `max_norm` writes into the table, and is refused before."""
    x = recorder.in_order(x)
    value = recorder.emit(Lookup(), x.value, params=constants(recorder, weight=weight), name=recorder.path)
    return recorder.result(value, (*x.dims, feature_dim(weight.shape[1])))


RULES = {
    "embedding": embedding,
    "conv1d": conv,
    "conv2d": conv,
    "conv3d": conv,
    "conv_transpose1d": transposed_conv,
    "conv_transpose2d": transposed_conv,
    "conv_transpose3d": transposed_conv,
    "dropout": dropout,
    "dropout1d": dropout,
    "dropout2d": dropout,
    "dropout3d": dropout,
    "alpha_dropout": dropout,
    "feature_alpha_dropout": dropout,
}
"""Function name -> rule."""
