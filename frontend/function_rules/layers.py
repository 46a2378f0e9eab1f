"""Functions with weights: what the layers of torch.nn call, less `linear`, which is a matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from frontend.function_rules.views import flatten, reshape
from frontend.recording.layout import FEATURE, TIME, Axis, Dim, View, is_outer, is_plain
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import BatchNorm, Conv, LayerNorm

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
        raise CompileError("import.axes", f"{what}: the tensor is {x}")


def batch_norm(
    recorder: Recorder,
    x: View,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> View:
    """Normalisation of dimension 1 with running statistics; dimension 1 may be time itself."""
    if training or running_mean is None or running_var is None:
        raise CompileError(
            "import.batch_norm",
            "a batch norm uses the statistics of the batch",
            hint="put the module in eval mode, with track_running_stats=True",
        )
    params = constants(recorder, mean=running_mean, var=running_var, weight=weight, bias=bias)
    if [axis.kind for axis in x.dims[1]] == [TIME]:
        return recorder.apply(BatchNorm(-1, eps, timed=True), x, params, recorder.path)
    require_axes(is_plain(x.dims[1]), x, "the channels of a batch norm are dimension 1, which has time or batch in it")
    x, axis = recorder.axis_of(x, 1)
    return recorder.apply(BatchNorm(axis, eps), x, params, recorder.path)


def layer_norm(
    recorder: Recorder,
    x: View,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> View:
    """Normalisation over the last dimensions."""
    rank = len(normalized_shape)
    require_axes(
        all(is_plain(dim) for dim in x.dims[-rank:]), x, "a layer norm would mix time or batch into the features"
    )
    flat = recorder.in_order(flatten(recorder, x, -rank, -1))
    params = constants(recorder, weight=weight, bias=bias)
    params = {role: constant._replace(array=constant.array.reshape(-1)) for role, constant in params.items()}
    value = recorder.emit(LayerNorm(eps), flat.value, params=params, name=recorder.path)
    return reshape(recorder, recorder.result(value, flat.dims), x.shape)


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
    require_axes(
        len(x.dims) == rank + 2 and is_outer(x.dims[0]),
        x,
        "the first dimension of a convolution must be time and batch",
    )
    require_axes(all(map(is_plain, x.dims[1:])), x, "a convolution would mix time or batch into the features")
    kernel, steps, gaps = tuple(weight.shape[2:]), each(stride, rank), each(dilation, rank)
    op = Conv(steps, _padding(padding, kernel, gaps), gaps, groups)
    x = recorder.in_order(x)
    value = recorder.emit(op, x.value, params=params, name=recorder.path)
    return recorder.result(value, (x.dims[0], *map(feature_dim, recorder.type(View(value, ())).shape)))


def each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number per axis."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(item) for item in value)


def _padding(padding: str | int | Sequence[int], kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """Zeros on either side of every axis; CompileError where 'same' needs more on one side."""
    if not isinstance(padding, str):
        return each(padding, len(kernel))
    if padding == "valid":
        return (0,) * len(kernel)
    reach = [gap * (size - 1) for gap, size in zip(dilation, kernel, strict=True)]
    if any(total % 2 for total in reach):
        raise CompileError(
            "import.padding", "padding='same' of an even kernel is not symmetric", hint="pad with nn.ZeroPad first"
        )
    return tuple(total // 2 for total in reach)


def dropout(recorder: Recorder, x: View, p: float = 0.5, training: bool = True, inplace: bool = False) -> View:
    """Nothing, in eval mode."""
    if training and p > 0:
        raise CompileError("import.random", "dropout in training mode is random", hint="put the module in eval mode")
    return x


RULES = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "conv1d": conv,
    "conv2d": conv,
    "dropout": dropout,
    "dropout1d": dropout,
    "dropout2d": dropout,
    "alpha_dropout": dropout,
}
"""Function name -> rule."""
