"""Functions with weights: what the layers of torch.nn call, and matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from frontend.function_rules.arithmetic import in_step
from frontend.function_rules.views import flatten, matrix_transpose, reshape
from frontend.tracing.layout import FEATURE, TIME, Axis, Dim, View, is_outer, is_plain, length
from frontend.tracing.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import BatchNorm, Conv, LayerNorm, Linear, MatMul

Tensor = torch.Tensor


def constants(recorder: Recorder, **tensors: Tensor | None) -> dict[str, Constant]:
    """The given parameters by role, without those that are None."""
    for role, tensor in tensors.items():
        if isinstance(tensor, View):
            raise CompileError(
                "import.weight", f"the {role} depends on the network's input", hint="weights must be constants"
            )
    return {role: recorder.constant(tensor, role) for role, tensor in tensors.items() if tensor is not None}


def linear(recorder: Recorder, x: View, weight: Tensor, bias: Tensor | None = None) -> View:
    """x W^T + b over the last dimension."""
    if not isinstance(x, View):
        raise CompileError("import.weight", "multiplies a constant by weights that depend on the network's input")
    return _linear(recorder, x, constants(recorder, weight=weight, bias=bias))


def _linear(recorder: Recorder, x: View, params: dict[str, Constant]) -> View:
    _require(is_plain(x.dims[-1]), x, "a linear layer would mix time or batch into the features")
    x = recorder.in_order(x)
    outputs = params["weight"].array.shape[0]
    value = recorder.emit(Linear(), x.value, params=params, name=recorder.path)
    return recorder.result(value, (*x.dims[:-1], feature_dim(outputs)))


def feature_dim(size: int) -> Dim:
    """The dimension of `size` fresh features."""
    return (Axis(FEATURE, size),) if size > 1 else ()


def _require(condition: bool, x: View, what: str) -> None:
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
    _require(is_plain(x.dims[1]), x, "the channels of a batch norm are dimension 1, which has time or batch in it")
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
    _require(all(is_plain(dim) for dim in x.dims[-rank:]), x, "a layer norm would mix time or batch into the features")
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
    rank = weight.ndim - 2
    _require(
        len(x.dims) == rank + 2 and is_outer(x.dims[0]),
        x,
        "the first dimension of a convolution must be time and batch",
    )
    _require(all(map(is_plain, x.dims[1:])), x, "a convolution would mix time or batch into the features")
    kernel, steps, gaps = tuple(weight.shape[2:]), each(stride, rank), each(dilation, rank)
    op = Conv(steps, _padding(padding, kernel, gaps), gaps, groups)
    x = recorder.in_order(x)
    value = recorder.emit(op, x.value, params=constants(recorder, weight=weight, bias=bias), name=recorder.path)
    return recorder.result(value, (x.dims[0], *map(feature_dim, recorder.type(View(value, ())).shape)))


def each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number per axis."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(item) for item in value)


def _padding(padding: str | int | Sequence[int], kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
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


def matmul(recorder: Recorder, x: View | Tensor, y: View | Tensor) -> View:
    """A matrix product of two computed tensors, or with a constant matrix on either side."""
    if isinstance(x, View) and isinstance(y, View):
        return _product(recorder, x, y)
    constant = y if isinstance(x, View) else x
    assert isinstance(constant, Tensor)
    if constant.ndim != 2:
        raise CompileError(
            "import.matmul", f"multiplies by a constant of shape {tuple(constant.shape)}", hint="use a matrix"
        )
    stored = recorder.constant(constant, "weight")
    if isinstance(x, View):
        return _linear(recorder, x, {"weight": stored._replace(array=stored.array.T)})
    assert isinstance(y, View)
    return matrix_transpose(recorder, _linear(recorder, matrix_transpose(recorder, y), {"weight": stored}))


def _product(recorder: Recorder, x: View, y: View) -> View:
    matrices = min(len(x.dims), len(y.dims)) >= 2 and all(map(is_plain, (*x.dims[-2:], *y.dims[-2:])))
    _require(matrices, x, f"a matrix product needs features in the last two dimensions, the other tensor is {y}")
    x, y = in_step(recorder, x, y)
    pairs = list(zip(x.dims[:-2], y.dims[:-2], strict=True))
    drop = frozenset(place for place, pair in enumerate(pairs) if any(map(is_outer, pair)))
    shape = [max(length(a), length(b)) for a, b in pairs]
    x, y = (_widened(recorder, view, shape, drop) for view in (x, y))
    x, y = recorder.in_order(x, drop), recorder.in_order(y, drop)
    heads = [a if length(a) >= length(b) else b for a, b in zip(x.dims[:-2], y.dims[:-2], strict=True)]
    return recorder.result(recorder.emit(MatMul(), x.value, y.value), (*heads, x.dims[-2], y.dims[-1]))


def _widened(recorder: Recorder, view: View, shape: Sequence[int], drop: frozenset[int]) -> View:
    """Leading feature dimensions of length 1 expanded to `shape`."""
    sizes = [
        size if place in drop else shape[place] if place < len(shape) else size for place, size in enumerate(view.shape)
    ]
    return recorder.expand(view, tuple(sizes))


def dropout(recorder: Recorder, x: View, p: float = 0.5, training: bool = True, inplace: bool = False) -> View:
    """Nothing, in eval mode."""
    if training and p > 0:
        raise CompileError("import.random", "dropout in training mode is random", hint="put the module in eval mode")
    return x


RULES = {
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "conv1d": conv,
    "conv2d": conv,
    "matmul": matmul,
    "bmm": matmul,
    "dropout": dropout,
    "dropout1d": dropout,
    "dropout2d": dropout,
    "alpha_dropout": dropout,
}
"""Function name -> rule."""
