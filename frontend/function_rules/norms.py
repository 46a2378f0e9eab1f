"""Normalisations: a batch norm with running statistics, and norms of every sample by itself, which only the host computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from frontend.function_rules.arithmetic import offset, scale
from frontend.function_rules.layers import constants, require_axes
from frontend.function_rules.views import flatten, reshape
from frontend.recording.layout import TIME, View, is_plain
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import BatchNorm, LayerNorm

Tensor = torch.Tensor


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


def group_norm(
    recorder: Recorder,
    x: View,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> View:
    """Normalisation over the channels (dimension 1) of a group and all places, then a factor and a term per channel."""
    require_axes(all(map(is_plain, x.dims[1:])), x, "a group norm would mix time or batch into the features")
    grouped = recorder.in_order(reshape(recorder, x, (x.shape[0], num_groups, -1)))
    value = recorder.emit(LayerNorm(eps), grouped.value, name=recorder.path)
    y = reshape(recorder, recorder.result(value, grouped.dims), x.shape)
    places = (1,) * (len(x.dims) - 2)
    y = y if weight is None else scale(recorder, y, weight.detach().reshape(-1, *places))
    return y if bias is None else offset(recorder, y, bias.detach().reshape(-1, *places))


def instance_norm(
    recorder: Recorder,
    x: View,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> View:
    """Normalisation of every channel by itself; with running statistics it is a batch norm."""
    if not use_input_stats:
        return batch_norm(recorder, x, running_mean, running_var, weight, bias, training=False, eps=eps)
    return group_norm(recorder, x, x.shape[1], weight, bias, eps)


RULES = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
}
"""Function name -> rule."""
