"""einsum of two tensors: permuted, merged and multiplied as matrices."""

from __future__ import annotations

import re
from math import prod

from frontend.function_rules.layers import matmul
from frontend.function_rules.views import permute, reshape
from frontend.tracing.layout import View
from frontend.tracing.recorder import Recorder
from ir.errors import CompileError

_EQUATION = re.compile(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)")


def einsum(recorder: Recorder, equation: str, *operands: View) -> View:
    """`abij,abjk->abik` and its like: every index once per operand, products and sums of two computed tensors."""
    match = _EQUATION.fullmatch(equation.replace(" ", ""))
    if match is None or len(operands) != 2 or not all(isinstance(operand, View) for operand in operands):
        raise CompileError(
            "import.einsum", f"cannot import einsum {equation!r}", hint="two computed tensors and an explicit result"
        )
    a, b, result = match.groups()
    x, y = operands
    batch = [index for index in result if index in a and index in b]
    rows = [index for index in a if index in result and index not in b]
    columns = [index for index in b if index in result and index not in a]
    inner = [index for index in a if index in b and index not in result]
    known = len(set(a)) == len(a) and len(set(b)) == len(b) and len(set(result)) == len(result)
    if not known or set(a) | set(b) != {*batch, *rows, *columns, *inner}:
        raise CompileError(
            "import.einsum", f"cannot import einsum {equation!r}", hint="repeated and lone indices have no rule"
        )
    sizes = {**dict(zip(a, x.shape, strict=True)), **dict(zip(b, y.shape, strict=True))}
    left = _as_matrices(recorder, x, a, batch, rows, inner)
    right = _as_matrices(recorder, y, b, batch, inner, columns)
    order = [*batch, *rows, *columns]
    product = reshape(recorder, matmul(recorder, left, right), [sizes[index] for index in order])
    return permute(recorder, product, [order.index(index) for index in result])


def _as_matrices(
    recorder: Recorder, x: View, indices: str, batch: list[str], rows: list[str], columns: list[str]
) -> View:
    """The tensor with the batch indices first and the others merged to a matrix."""
    sizes = dict(zip(indices, x.shape, strict=True))
    ordered = permute(recorder, x, [indices.index(index) for index in (*batch, *rows, *columns)])
    height, width = prod(sizes[index] for index in rows), prod(sizes[index] for index in columns)
    return reshape(recorder, ordered, [*(sizes[index] for index in batch), height, width])


RULES = {"einsum": einsum}
"""Function name -> rule."""
