"""Functions that only look at a tensor differently: no IR node, only other axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch

from frontend.recording.layout import Dim, View, length, regroup
from frontend.recording.recorder import Recorder
from frontend.type_guards import is_list, is_tuple
from ir.errors import CompileError


def sizes_of(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes in `x.view(2, 3)` as in `x.view((2, 3))`."""
    first = arguments[0] if len(arguments) == 1 else None
    flat: Sequence[Any] = first if is_tuple(first) or is_list(first) else arguments
    return tuple(int(size) for size in flat)


def wrapped(dim: int, rank: int) -> int:
    """A dimension counted from the front."""
    return dim % rank


def reshape(recorder: Recorder, x: View, *shape: object) -> View:
    """reshape, view: the elements in the same order at another shape, -1 filled in."""
    sizes = _filled_in(sizes_of(shape), prod(x.shape))
    try:
        return regroup(x, sizes)
    except CompileError:  # features that do not lie side by side in memory may have to be brought together first
        return regroup(recorder.in_order(x), sizes)


def _filled_in(sizes: tuple[int, ...], total: int) -> tuple[int, ...]:
    """The sizes, -1 replaced by what makes their product `total`."""
    rest = total // prod(size for size in sizes if size != -1)
    return tuple(rest if size == -1 else size for size in sizes)


def reshape_as(recorder: Recorder, x: View, other: View | torch.Tensor) -> View:
    """view_as, reshape_as."""
    return reshape(recorder, x, tuple(other.shape))


def flatten(_recorder: Recorder, x: View, start_dim: int = 0, end_dim: int = -1) -> View:
    """Dimensions `start_dim` to `end_dim` merged into one."""
    start, end = wrapped(start_dim, len(x.dims)), wrapped(end_dim, len(x.dims))
    merged: Dim = tuple(axis for dim in x.dims[start : end + 1] for axis in dim)
    return x.with_dims((*x.dims[:start], merged, *x.dims[end + 1 :]))


def unflatten(recorder: Recorder, x: View, dim: int, sizes: object) -> View:
    """One dimension cut into several."""
    dim = wrapped(dim, len(x.dims))
    inner = _filled_in(sizes_of((sizes,)), x.shape[dim])
    return reshape(recorder, x, (*x.shape[:dim], *inner, *x.shape[dim + 1 :]))


def permute(_recorder: Recorder, x: View, *dims: object) -> View:
    """Dimensions in another order."""
    order = [wrapped(dim, len(x.dims)) for dim in sizes_of(dims)]
    return x.with_dims(x.dims[dim] for dim in order)


def transpose(_recorder: Recorder, x: View, dim0: int, dim1: int) -> View:
    """Two dimensions exchanged."""
    dims = list(x.dims)
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return x.with_dims(dims)


def matrix_transpose(recorder: Recorder, x: View) -> View:
    """mT: the last two dimensions exchanged."""
    return transpose(recorder, x, -2, -1)


def reverse(_recorder: Recorder, x: View) -> View:
    """T, and t of a matrix: all dimensions in reverse order."""
    return x.with_dims(reversed(x.dims))


def movedim(_recorder: Recorder, x: View, source: int | Sequence[int], destination: int | Sequence[int]) -> View:
    """Some dimensions moved to other places, the rest in order."""
    rank = len(x.dims)
    sources = [wrapped(dim, rank) for dim in sizes_of((source,))]
    targets = [wrapped(dim, rank) for dim in sizes_of((destination,))]
    order = [dim for dim in range(rank) if dim not in sources]
    for target, dim in sorted(zip(targets, sources, strict=True)):
        order.insert(target, dim)
    return x.with_dims(x.dims[dim] for dim in order)


def unsqueeze(_recorder: Recorder, x: View, dim: int) -> View:
    """A dimension of length 1 put in."""
    dim = wrapped(dim, len(x.dims) + 1)
    return x.with_dims((*x.dims[:dim], (), *x.dims[dim:]))


def squeeze(_recorder: Recorder, x: View, dim: int | tuple[int, ...] | None = None) -> View:
    """Dimensions of length 1 taken out; time and batch of length 1 stay unless they are named, which is refused."""
    places = range(len(x.dims)) if dim is None else [wrapped(d, len(x.dims)) for d in sizes_of((dim,))]
    squeezed = {place for place in places if length(x.dims[place]) == 1}
    for place in squeezed:
        if x.dims[place]:
            raise CompileError("import.axes", f"squeeze takes the {x.dims[place][0].kind} axis out of {x}")
    return x.with_dims(dims for place, dims in enumerate(x.dims) if place not in squeezed)


def identity(_recorder: Recorder, x: View, *_arguments: object, **_options: object) -> View:
    """contiguous, clone, detach, rename, ...: the same values."""
    return x


def ravel(recorder: Recorder, x: View) -> View:
    """All elements in one dimension."""
    return flatten(recorder, x)


RULES = {
    "ravel": ravel,
    "adjoint": matrix_transpose,
    "reshape": reshape,
    "view": reshape,
    "reshape_as": reshape_as,
    "view_as": reshape_as,
    "flatten": flatten,
    "unflatten": unflatten,
    "permute": permute,
    "transpose": transpose,
    "swapaxes": transpose,
    "swapdims": transpose,
    "t": reverse,
    "get_T": reverse,
    "get_mT": matrix_transpose,
    "movedim": movedim,
    "moveaxis": movedim,
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "contiguous": identity,
    "clone": identity,
    "detach": identity,
    "get_data": identity,
    "requires_grad_": identity,
    "rename": identity,
}
"""Function name -> rule."""
