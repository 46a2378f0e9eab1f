"""
Turns a mosaic of pieces into one value: steps and pieces are joined, constants around them are padding with an offset.

    out = zeros(T, B, n); out[t] = s[t] for all t              the window of s, as `torch.stack` makes it
    x[..., :4] += y                                            concat(x[..., :4] + y, x[..., 4:])
    y[:, :, 0] = v; y[:, :, -1] = v                            pad(y[:, :, 1:-1]) + v on the border

All of it is exact: x + 0 is x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch

from frontend.recording.layout import View
from frontend.tracing.storage.memory import Content, Mosaic
from ir.errors import CompileError
from ir.graph import Array
from ir.types import Type


class Writer(NamedTuple):
    """Writes down what is made of pieces."""

    record: Callable[..., Any]
    """record(name, *arguments): the view of what the function of that name makes of views."""
    type: Callable[[View], Type]
    """Of a view's value."""
    steps: Callable[[Sequence[torch.Tensor]], list[View] | None]
    """Of tensors that are a membrane at all steps; None for other values, CompileError for other states."""


def assembled(mosaic: Mosaic, writer: Writer) -> Content:
    """The value, or the constants, of a mosaic; CompileError where torch.empty left holes, or the pieces do not fit together."""
    mosaic = replace(mosaic, contents=_valued(mosaic, writer))
    constant = np.array([not isinstance(content, View) for content in mosaic.contents])[mosaic.owner]
    values = _constants(mosaic, constant)
    if constant.all():
        return values
    owner = np.where(constant, -1, mosaic.owner)  # which constants they are makes no difference
    view = _joined(_Block(owner, mosaic.index, constant), mosaic.contents, writer)
    return writer.record("add", view, torch.from_numpy(values)) if values.any() else view


def _valued(mosaic: Mosaic, writer: Writer) -> tuple[Content, ...]:
    """The contents of a mosaic, steps of a membrane as values."""
    used = {int(number) for number in np.unique(mosaic.owner)}
    rows = {n: source for n, source in enumerate(mosaic.sources) if source is not None and n in used}
    views = writer.steps(list(rows.values())) or [mosaic.contents[number] for number in rows]
    made = dict(zip(rows, views, strict=True))
    return tuple(made.get(number, content) for number, content in enumerate(mosaic.contents))


def _constants(mosaic: Mosaic, constant: Array) -> Array:
    """The constants of a mosaic, 0 in all other places."""
    dtype = next((content.dtype for content in mosaic.contents if isinstance(content, np.ndarray)), np.float32)
    values = np.zeros(mosaic.owner.shape, dtype)
    for number, content in enumerate(mosaic.contents):
        if isinstance(content, np.ndarray):
            mine = mosaic.owner == number
            values[mine] = content.reshape(-1)[mosaic.index[mine]]
    if bool(np.isnan(values).any()):
        what = "reads elements of a tensor that were never written"
        raise CompileError("import.in_place", what, hint="start from torch.zeros, or write every element first")
    return values


@dataclass(frozen=True)
class _Block:
    """A box of a mosaic: owner and index of every element, and whether it is a constant."""

    owner: Array
    index: Array
    constant: Array

    def part(self, box: tuple[slice, ...]) -> _Block:
        return _Block(self.owner[box], self.index[box], self.constant[box])


def _joined(block: _Block, contents: tuple[Content, ...], writer: Writer) -> View:
    """The value of a block that holds at least one element of a view, with zeros for constants."""
    shape = block.owner.shape
    box = tuple(_extent(block.constant, axis) for axis in range(len(shape)))
    inner = block.part(box)
    if inner.owner.shape != shape:
        return _padded(_joined(inner, contents, writer), box, shape, writer)
    if (block.owner == block.owner.flat[0]).all():
        content = contents[int(block.owner.flat[0])]
        assert isinstance(content, View)
        return _part(content, block.index, writer)
    axis, cuts = _cuts(block)
    boxes = [tuple(cut if other == axis else slice(0, size) for other, size in enumerate(shape)) for cut in cuts]
    parts = [_joined(block.part(box), contents, writer) for box in boxes]
    if all(part == parts[0] for part in parts) and parts[0].shape[axis] == 1:
        return writer.record("repeat", parts[0], *(len(parts) if other == axis else 1 for other in range(len(shape))))
    if len({writer.type(part).domain for part in parts}) == 1:
        return writer.record("cat", parts, axis)
    padded = [_padded(part, box, shape, writer) for part, box in zip(parts, boxes, strict=True)]
    return reduce(lambda a, b: writer.record("add", a, b), padded)


def _padded(view: View, box: tuple[slice, ...], shape: tuple[int, ...], writer: Writer) -> View:
    """A view in its place among zeros."""
    counts = [count for cut, size in zip(box, shape, strict=True) for count in (size - cut.stop, cut.start)]
    return writer.record("pad", view, counts[::-1])  # torch counts from the last dimension: before, after


def _extent(constant: Array, axis: int) -> slice:
    """From where to where along an axis there are elements of views."""
    others = tuple(other for other in range(constant.ndim) if other != axis)
    places = np.flatnonzero(~constant.all(axis=others))
    return slice(int(places[0]), int(places[-1]) + 1)


def _cuts(block: _Block) -> tuple[int, list[slice]]:
    """The first axis along which the owners change, cut where they do; constants go with what is beside them."""
    for axis, size in enumerate(block.owner.shape):
        lines = np.moveaxis(block.owner, axis, 0).reshape(size, -1)
        empty = np.moveaxis(block.constant, axis, 0).reshape(size, -1).all(axis=1)
        starts = [
            place for place in range(1, len(lines)) if not empty[place] and (lines[place] != lines[place - 1]).any()
        ]
        if starts:
            return axis, [slice(a, b) for a, b in zip([0, *starts], [*starts, len(lines)], strict=True)]
    raise AssertionError("a block of several owners changes along some axis")


def _part(content: View, index: Array, writer: Writer) -> View:
    """The elements `index` of a view, counted in C order: a box of it, its dimensions perhaps in another order."""
    first, strides, sources = int(index.flat[0]), _strides(index), content.shape
    if [size for size in sources if size > 1] != [size for size in index.shape if size > 1] and _is_all(index, sources):
        return writer.record("reshape", content, index.shape)
    gaps = [int(np.prod(sources[place + 1 :])) for place in range(len(sources))]
    start = np.unravel_index(first, sources)
    wide = {gap: place for place, (gap, size) in enumerate(zip(gaps, sources, strict=True)) if size > 1}
    taken = {axis: wide.get(gap) for axis, gap in enumerate(strides) if index.shape[axis] > 1}
    places = [place for place in taken.values() if place is not None]
    ends = [start[place] + index.shape[axis] <= sources[place] for axis, place in taken.items() if place is not None]
    fits = len(places) == len(taken) and all(ends) and _is_affine(index, first, strides)
    if not fits:
        what = "a tensor is read in another form than it was written in"
        raise CompileError(
            "import.in_place", what, hint="use torch.stack or torch.cat in place of writes into a tensor"
        )
    for place in reversed(range(len(sources))):
        axis = next((axis for axis, other in taken.items() if other == place), None)
        length = 1 if axis is None else index.shape[axis]
        content = writer.record("narrow", content, place, int(start[place]), length)
    rest = [place for place in range(len(sources)) if place not in places]
    content = writer.record("permute", content, (*places, *rest)) if places != sorted(places) or rest else content
    content = reduce(lambda view, _: writer.record("select", view, len(places), 0), rest, content)
    return reduce(
        lambda view, axis: view if axis in taken else writer.record("unsqueeze", view, axis), range(index.ndim), content
    )


def _is_all(index: Array, shape: tuple[int, ...]) -> bool:
    """Whether an index counts all elements of a view of that shape in order."""
    return index.size == np.prod(shape) and bool((index.reshape(-1) == np.arange(index.size)).all())


def _strides(index: Array) -> list[int]:
    """By how much an index grows along every axis, as far as the first two elements say."""
    second = [tuple(int(axis == other) for other in range(index.ndim)) for axis in range(index.ndim)]
    origin = int(index.flat[0]) if index.size else 0
    return [int(index[place]) - origin if size > 1 else 0 for place, size in zip(second, index.shape, strict=True)]


def _is_affine(index: Array, first: int, strides: list[int]) -> bool:
    """Whether an index is first + sum over axes of stride times place."""
    expected = np.full(index.shape, first, dtype=np.int64)
    for axis, (size, gap) in enumerate(zip(index.shape, strides, strict=True)):
        expected += gap * np.arange(size).reshape(-1, *(1,) * (index.ndim - axis - 1))
    return bool((expected == index).all())
