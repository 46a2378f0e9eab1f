"""Matrix products: a linear layer, products of two computed tensors or with a constant matrix, and einsum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import torch

from frontend.function_rules.arithmetic import add, multiply
from frontend.function_rules.layers import constants, feature_dim, require_axes
from frontend.function_rules.readouts import along
from frontend.function_rules.views import matrix_transpose, permute, reshape
from frontend.recording.broadcasting import in_step
from frontend.recording.layout import View, is_outer, is_plain, length
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import Linear, MatMul

EINSUM_EQUATION = re.compile(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)")


def linear(recorder: Recorder, x: View | torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> View:
    """x W^T + b over the last dimension."""
    if not isinstance(x, View):
        raise CompileError("import.weight", "multiplies a constant by weights that depend on the network's input")
    return _linear(recorder, x, constants(recorder, weight=weight, bias=bias))


def _linear(recorder: Recorder, x: View, params: dict[str, Constant]) -> View:
    """The node of a linear layer on the last dimension, which must be features."""
    require_axes(is_plain(x.dims[-1]), x, "a linear layer would mix time or batch into the features")
    x = recorder.in_order(x)
    outputs = params["weight"].array.shape[0]
    value = recorder.emit(Linear(), x.value, params=params, name=recorder.path)
    return recorder.result(value, (*x.dims[:-1], feature_dim(outputs)))


def matmul(recorder: Recorder, x: View | torch.Tensor, y: View | torch.Tensor) -> View:
    """A matrix product of two computed tensors, or with a constant matrix on either side."""
    if isinstance(x, View) and isinstance(y, View):
        return _product(recorder, x, y)
    constant = y if isinstance(x, View) else x
    assert isinstance(constant, torch.Tensor)
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
    """The product of two computed tensors: matrices in the last two dimensions, the others broadcast."""
    matrices = min(len(x.dims), len(y.dims)) >= 2 and all(map(is_plain, (*x.dims[-2:], *y.dims[-2:])))
    require_axes(matrices, x, f"a matrix product needs features in the last two dimensions, the other tensor is {y}")
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


def einsum(recorder: Recorder, equation: str, *operands: Any) -> View:
    """`abij,abjk->abik` and its like: every index once per operand, products and sums of two tensors; one may be weights."""
    match = EINSUM_EQUATION.fullmatch(equation.replace(" ", ""))
    pair: Sequence[View | torch.Tensor] = operands[0] if len(operands) == 1 else operands
    if match is None or len(pair) != 2 or not any(isinstance(operand, View) for operand in pair):
        raise CompileError(
            "import.einsum", f"cannot import einsum {equation!r}", hint="two tensors, an explicit result"
        )
    a, b, result = match.groups()
    x, y = pair
    batch = [index for index in result if index in a and index in b]
    rows = [index for index in a if index in result and index not in b]
    columns = [index for index in b if index in result and index not in a]
    inner = [index for index in a if index in b and index not in result]
    unique = len(set(a)) == len(a) and len(set(b)) == len(b) and len(set(result)) == len(result)
    if not unique or set(a) | set(b) != {*batch, *rows, *columns, *inner}:
        raise CompileError(
            "import.einsum", f"cannot import einsum {equation!r}", hint="repeated and lone indices have no rule"
        )
    sizes = {**dict(zip(a, x.shape, strict=True)), **dict(zip(b, y.shape, strict=True))}
    if not (isinstance(x, View) and isinstance(y, View)):
        return _by_weights(recorder, (x, y), (a, b), result)
    factors = _as_matrices(recorder, x, a, batch, rows, inner), _as_matrices(recorder, y, b, batch, inner, columns)
    order = [*batch, *rows, *columns]
    product = reshape(recorder, matmul(recorder, *factors), [sizes[index] for index in order])
    return permute(recorder, product, [order.index(index) for index in result])


def _by_weights(
    recorder: Recorder, pair: tuple[View | torch.Tensor, View | torch.Tensor], indices: tuple[str, str], result: str
) -> View:
    """An einsum of one computed tensor, whose own indices stay, with a constant, whose own ones come last: a linear layer."""
    place = 0 if isinstance(pair[0], View) else 1
    x, weight, a, b = pair[place], pair[1 - place], indices[place], indices[1 - place]
    assert isinstance(x, View)
    assert isinstance(weight, torch.Tensor)
    inner = [index for index in a if index not in result]
    rows, columns = [index for index in a if index in result], [index for index in b if index not in a]
    if set(rows) & set(b):
        what = f"einsum has other weights for every {min(set(rows) & set(b))!r}"
        raise CompileError("import.einsum", what, hint="sum over all indices that computed tensor and weights share")
    sizes = {**dict(zip(a, x.shape, strict=True)), **dict(zip(b, weight.shape, strict=True))}
    stored = recorder.constant(weight, "weight")
    matrix = stored.array.transpose([b.index(index) for index in (*columns, *inner)])
    merged = permute(recorder, x, [a.index(index) for index in (*rows, *inner)])
    merged = reshape(recorder, merged, [*(sizes[index] for index in rows), -1])
    linear = _linear(recorder, merged, {"weight": stored._replace(array=matrix.reshape(-1, merged.shape[-1]))})
    order = [*rows, *columns]
    product = reshape(recorder, linear, [sizes[index] for index in order])
    return permute(recorder, product, [order.index(index) for index in result])


def _as_matrices(
    recorder: Recorder, x: View, indices: str, batch: list[str], rows: list[str], columns: list[str]
) -> View:
    """The tensor with the batch indices first and the others merged to a matrix."""
    sizes = dict(zip(indices, x.shape, strict=True))
    ordered = permute(recorder, x, [indices.index(index) for index in (*batch, *rows, *columns)])
    height, width = prod(sizes[index] for index in rows), prod(sizes[index] for index in columns)
    return reshape(recorder, ordered, [*(sizes[index] for index in batch), height, width])


def add_product(recorder: Recorder, input: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> View:  # noqa: A002
    """beta input + alpha (x @ y): addmm, baddbmm."""
    product = matmul(recorder, x, y)
    product = product if alpha == 1 else multiply(recorder, product, alpha)
    if beta == 0:
        return product
    return add(recorder, product, input if beta == 1 else _times(recorder, input, beta))


def _times(recorder: Recorder, x: Any, factor: float) -> Any:
    return multiply(recorder, x, factor) if isinstance(x, View) else x * factor


def attention(
    recorder: Recorder,
    query: View,
    key: View,
    value: View,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> View:
    """softmax(scale Q K^T) V, by default over the root of the width; only the host has a softmax."""
    if attn_mask is not None or is_causal or dropout_p:
        what, hint = "attends with a mask or with dropout", "write the attention out, without softmax"
        raise CompileError("import.attention", what, hint=hint)
    scores = matmul(recorder, query, matrix_transpose(recorder, key))
    scores = multiply(recorder, scores, 1 / query.shape[-1] ** 0.5 if scale is None else scale)
    return matmul(recorder, along("softmax")(recorder, scores, -1), value)


RULES = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "einsum": einsum,
    "addmm": add_product,
    "baddbmm": add_product,
    "scaled_dot_product_attention": attention,
}
"""Function name -> rule."""
