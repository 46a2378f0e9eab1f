"""Matrix products: a linear layer, products of two computed tensors or with a constant matrix, and einsum."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
import torch

from frontend.function_rules.arithmetic import add, multiply, times
from frontend.function_rules.layers import constants, feature_dim, require_axes
from frontend.function_rules.readouts import along
from frontend.function_rules.reductions import total
from frontend.function_rules.views import matrix_transpose, permute, reshape
from frontend.recording.broadcasting import in_step
from frontend.recording.layout import View, is_outer, is_plain, is_time, length
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import Linear, MatMul

_TERM = r"[A-Za-z]*(?:\.{3})?[A-Za-z]*"
EINSUM_EQUATION = re.compile(rf"({_TERM}(?:,{_TERM})*)(?:->({_TERM}))?")
"""Indices of the operands, and of the result where it is stated."""
Factor = tuple[View | torch.Tensor, str]
"""An operand of an einsum, and the index of each of its dimensions."""


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


def einsum(recorder: Recorder, equation: Any, *operands: Any) -> View:
    """`abij,abjk->abik` and its like, as torch reads them, of computed tensors and weights; none takes a diagonal."""
    first: Any = operands[0]
    tensors: list[View | torch.Tensor] = [*first] if isinstance(first, list | tuple) else [*operands]
    terms, result = _indices(equation, [len(tensor.shape) for tensor in tensors])
    widest = dict[str, int]()
    for tensor, term in zip(tensors, terms, strict=True):
        widest |= {index: max(size, widest.get(index, 1)) for index, size in zip(term, tensor.shape, strict=True)}
    factors = [_squeezed(recorder, *factor, widest) for factor in zip(tensors, terms, strict=True)]
    while len(factors) > 1:
        x, y, *others = factors
        kept = {*result}.union(*(indices for _, indices in others))
        x, y = _summed(recorder, *x, kept | {*y[1]}), _summed(recorder, *y, kept | {*x[1]})
        factors = [_contracted(recorder, x, y, kept, widest), *others]
    view, indices = _summed(recorder, *factors[0], result)
    assert isinstance(view, View)
    return permute(recorder, view, [indices.index(index) for index in result])


def _indices(equation: Any, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The indices of every operand and of the result, `...` written out in letters that are not taken."""
    match = EINSUM_EQUATION.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
    terms = match[1].split(",") if match else []
    unnamed = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=False)]
    fitting = [more == 0 or (more > 0 and "..." in term) for term, more in zip(terms, unnamed, strict=False)]
    if len(terms) != len(ranks) or not all(fitting):
        hint = 'one text like "bij,bjk->bik", with the indices of every operand'
        raise CompileError("import.einsum", f"cannot import einsum {equation!r}", hint=hint)
    free = [letter for letter in ascii_letters if letter not in equation]
    dots = "".join(free[: max(unnamed)])
    terms = [term.replace("...", dots[len(dots) - more :]) for term, more in zip(terms, unnamed, strict=True)]
    assert match is not None
    written = "".join(terms)
    once = dots + "".join(sorted(index for index in {*written} - {*dots} if written.count(index) == 1))
    result = once if match[2] is None else match[2].replace("...", dots)
    if any(len({*indices}) < len(indices) for indices in (*terms, result)) or not {*result} <= {*written}:
        hint = "every index once per operand, those of the result among them"
        raise CompileError("import.einsum", f"cannot import einsum {equation!r}", hint=hint)
    return terms, result


def _squeezed(recorder: Recorder, tensor: View | torch.Tensor, indices: str, widest: Mapping[str, int]) -> Factor:
    """Without the dimensions of length 1 that another operand repeats it along."""
    kept = [(i, n) for i, n in zip(indices, tensor.shape, strict=True) if n == widest[i]]
    if len(kept) == len(indices):
        return tensor, indices
    shape = [size for _, size in kept]
    smaller = reshape(recorder, tensor, shape) if isinstance(tensor, View) else tensor.reshape(shape)
    return smaller, "".join(index for index, _ in kept)


def _summed(recorder: Recorder, tensor: View | torch.Tensor, indices: str, kept: Container[str]) -> Factor:
    """Over the indices that nothing else has."""
    places = [place for place, index in enumerate(indices) if index not in kept]
    if not places:
        return tensor, indices
    summed = total(recorder, tensor, places) if isinstance(tensor, View) else tensor.sum(places)
    return summed, "".join(index for index in indices if index in kept)


def _contracted(recorder: Recorder, x: Factor, y: Factor, kept: Container[str], widest: Mapping[str, int]) -> Factor:
    """The product of two operands, summed over what both have and nothing else has."""
    (left, a), (right, b) = x, y
    if not isinstance(left, View) and not isinstance(right, View):
        result = "".join(index for index in dict.fromkeys(a + b) if index in kept)
        return torch.einsum(f"{a},{b}->{result}", left, right), result
    inner = [index for index in a if index in b and index not in kept]
    if not isinstance(left, View) or not isinstance(right, View):
        return _by_weights(recorder, x, y, inner)
    steps = [index for index in a + b if (index in a) != (index in b) and index in _steps(*x) + _steps(*y)]
    batch = [*steps, *(index for index in a if index in b and index in kept)]
    rows = [index for index in a if index not in b and index not in steps]
    columns = [index for index in b if index not in a and index not in steps]
    order = [*batch, *rows, *columns]
    if inner or (rows and columns):
        factors = _matrices(recorder, left, a, batch, rows, inner), _matrices(recorder, right, b, batch, inner, columns)
        product = reshape(recorder, matmul(recorder, *factors), [widest[index] for index in order])
    else:
        product = multiply(recorder, *(_spread(recorder, *factor, order) for factor in ((left, a), (right, b))))
    return product, "".join(order)


def _steps(tensor: View | torch.Tensor, indices: str) -> str:
    """The index of a computed tensor's steps, nothing where it has none: a static one is the same at every step."""
    dims = tensor.dims if isinstance(tensor, View) else ()
    return "".join(index for index, dim in zip(indices, dims, strict=False) if is_time(dim))


def _spread(recorder: Recorder, x: View, indices: str, order: Sequence[str]) -> View:
    """The dimensions in an order, with ones between them for those that are not there."""
    sizes = dict(zip(indices, x.shape, strict=True))
    ordered = permute(recorder, x, [indices.index(index) for index in order if index in indices])
    first = min(order.index(index) for index in indices)
    return reshape(recorder, ordered, [sizes.get(index, 1) for index in order[first:]])


def _by_weights(recorder: Recorder, x: Factor, y: Factor, inner: Sequence[str]) -> Factor:
    """A computed tensor times a constant: a linear layer, in blocks where both keep an index."""
    (view, a), (weight, b) = (x, y) if isinstance(x[0], View) else (y, x)
    assert isinstance(view, View)
    assert isinstance(weight, torch.Tensor)
    shared = [index for index in a if index in b and index not in inner]
    rows, columns = [index for index in a if index not in b], [index for index in b if index not in a]
    sizes = {**dict(zip(a, view.shape, strict=True)), **dict(zip(b, weight.shape, strict=True))}
    stored = recorder.constant(weight, "weight")
    blocks = stored.array.transpose([b.index(index) for index in (*shared, *columns, *inner)])
    blocks = blocks.reshape(prod(sizes[index] for index in shared), prod(sizes[index] for index in columns), -1)
    matrix = np.zeros((*blocks.shape[:2], blocks.shape[0], blocks.shape[2]), blocks.dtype)
    matrix[np.arange(len(blocks)), :, np.arange(len(blocks))] = blocks
    merged = permute(recorder, view, [a.index(index) for index in (*rows, *shared, *inner)])
    merged = reshape(recorder, merged, [*(sizes[index] for index in rows), matrix[0, 0].size])
    linear = _linear(recorder, merged, {"weight": stored._replace(array=matrix.reshape(-1, matrix[0, 0].size))})
    order = [*rows, *shared, *columns]
    return reshape(recorder, linear, [sizes[index] for index in order]), "".join(order)


def _matrices(recorder: Recorder, x: View, indices: str, batch: list[str], rows: list[str], columns: list[str]) -> View:
    """The tensor with its batch indices first and the others merged to a matrix."""
    sizes, first = dict(zip(indices, x.shape, strict=True)), [index for index in batch if index in indices]
    ordered = permute(recorder, x, [indices.index(index) for index in (*first, *rows, *columns)])
    height, width = prod(sizes[index] for index in rows), prod(sizes[index] for index in columns)
    return reshape(recorder, ordered, [*(sizes[index] for index in first), height, width])


def add_product(recorder: Recorder, input: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> View:  # noqa: A002
    """beta input + alpha (x @ y): addmm, baddbmm."""
    product = matmul(recorder, x, y)
    product = product if alpha == 1 else multiply(recorder, product, alpha)
    if beta == 0:
        return product
    return add(recorder, product, times(recorder, input, beta))


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
    "mm": matmul,
    "einsum": einsum,
    "addmm": add_product,
    "baddbmm": add_product,
    "scaled_dot_product_attention": attention,
}
"""Function name -> rule."""
