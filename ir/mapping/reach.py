"""
Where the synapses of a projection arrive, once its neurons are on cores: the elements that have an axon there, and their lists.

A list holds the synapses of one axon on one core. Where kernels are shared, a token-wise matrix or a convolution has its lists
once per core, whatever tokens or pixels lie there: one per input channel (and tap), of as many synapses as there are output
channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connection
from ir.mapping.intervals import Intervals
from ir.ops.base import Op
from ir.ops.linear import Conv, Linear, Sum, Synapse


@dataclass(frozen=True, eq=False)
class Reach:
    """The axons of a projection, and its lists, in arrays beside one another."""

    elements: Intervals
    """Elements of the operand, flat, from each of which an axon leads to this core."""
    list_cores: Array
    """The core where some lists of one length are."""
    lists: Array
    """How many they are."""
    synapses: Array
    """The synapses of each of them."""
    features: Array | None = None
    """(..., outputs), for a matrix: how often each of its outputs is in a list, so that zeros can be left out."""


def reach(connection: Connection, results: Array, cores: Array, shared: bool, axons: bool = True) -> Reach:
    """
    Where the synapses of a connection arrive.

    Args:
        results: elements of the projection's result that neurons read, once for each of these.
        cores: int64, the cores of these neurons.
        shared: whether kernels are stored once per core.
        axons: whether anybody asks for the axons of a convolution, which take most of the time.
    """
    if isinstance(connection.projection.op, Conv):
        return _conv(connection, results.astype(np.int64), cores, shared, axons)
    return _RULES[type(connection.projection.op)](connection, results.astype(np.int64), cores, shared)


def _linear(connection: Connection, results: Array, cores: Array, shared: bool) -> Reach:
    assert connection.weight is not None
    outputs, inputs = connection.weight.shape
    tokens, features = np.divmod(results, outputs)
    (token, core), _, place = _distinct(tokens, cores)
    elements = Intervals(core, token * inputs, (token + 1) * inputs)
    if shared:
        (core,), _, place = _distinct(cores)
    there = np.zeros((len(core), outputs), np.int64)
    np.add.at(there, (place, features), 1)
    there = np.minimum(there, 1) if shared else there
    return Reach(elements, core, np.full(len(core), inputs), there.sum(axis=1), there)


def _conv(connection: Connection, results: Array, cores: Array, shared: bool, axons: bool) -> Reach:
    op, weight = connection.projection.op, connection.weight
    assert isinstance(op, Conv)
    assert weight is not None
    window = _windows(op, connection.operand[1:], weight.shape[2:])
    channels, place = np.divmod(results, len(window))
    group = channels // (len(weight) // op.groups)
    (place, part, core), synapses, _ = _distinct(place, group, cores)
    pixels = window[place]
    row, tap = np.nonzero(pixels >= 0)
    width, image = weight.shape[1], prod(connection.operand[1:])
    wanted = slice(None) if axons or not shared else slice(0)
    read = _distinct(pixels[row, tap][wanted], part[row][wanted], core[row][wanted], counts=synapses[row][wanted])
    (pixel, axon_group, axon_core), lengths, _ = read
    elements = _channels(
        Intervals.of_numbers(axon_core * op.groups + axon_group, pixel).each_once(), op.groups, width, image
    )
    if not shared:
        return Reach(elements, axon_core, np.full(len(axon_core), width), lengths)
    (kernel_core, kernel_group, _), _, _ = _distinct(core[row], part[row], tap)
    (kernel_core, kernel_group), taps, _ = _distinct(kernel_core, kernel_group)
    (there, group, _), _, _ = _distinct(cores, group, channels)
    (there, group), features, _ = _distinct(there, group)
    used = np.isin(there * op.groups + group, kernel_core * op.groups + kernel_group)  # padding alone reads no kernel
    return Reach(elements, kernel_core, taps * width, features[used])


def _channels(pixels: Intervals, groups: int, width: int, image: int) -> Intervals:
    """The elements at some pixels of the `width` channels of a group, of intervals by core and group; `image` pixels each."""
    cores, group = np.divmod(pixels.cores, groups)
    start = image * (group[:, None] * width + np.arange(width)).ravel()
    first, end = (start + np.repeat(each, width) for each in (pixels.first, pixels.end))
    return Intervals(np.repeat(cores, width), first, end)


@lru_cache(maxsize=8)
def _windows(op: Conv, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> Array:
    """(places, taps) -> the pixel that is read there, flat; -1 where there is none."""
    window = np.zeros((1, 1), np.int64)
    for axis, (size, taps) in enumerate(zip(sizes, kernel, strict=True)):
        reads = op.reads(axis, size, taps)
        outer, inner = window[:, None, :, None], reads[None, :, None, :]
        pixels = np.where((outer < 0) | (inner < 0), -1, outer * size + inner)
        window = pixels.reshape(len(window) * len(reads), -1)
    return window


def _synapse(connection: Connection, results: Array, cores: Array, shared: bool) -> Reach:
    (element, core), synapses, _ = _distinct(results, cores)
    return Reach(Intervals.of_numbers(core, element), core, np.ones_like(core), synapses)


def _sum(connection: Connection, results: Array, cores: Array, shared: bool) -> Reach:
    op = connection.projection.op
    assert isinstance(op, Sum)
    elements = np.arange(prod(connection.operand)).reshape(connection.operand)
    elements = elements[:1] if op.micro else elements  # later micro-steps are of the same synapses
    kept = [axis for axis in range(elements.ndim) if axis not in op.axes]
    summed = elements.transpose(*kept, *op.axes).reshape(prod(elements.shape[axis] for axis in kept), -1)
    (result, core), synapses, _ = _distinct(results, cores)
    terms = summed.shape[1]
    elements = Intervals.of_numbers(np.repeat(core, terms), summed[result].ravel())
    return Reach(elements, core, np.full(len(core), terms), synapses)


Rule = Callable[[Connection, Array, Array, bool], Reach]
_RULES: Mapping[type[Op], Rule] = {Linear: _linear, Synapse: _synapse, Sum: _sum}


class _Distinct(NamedTuple):
    """Tuples, each once, in order."""

    parts: tuple[Array, ...]
    counts: Array
    """How often each occurs, or the sum of its counts."""
    place: Array
    """Of every tuple that came, its place among these."""


def _distinct(*parts: Array, counts: Array | None = None) -> _Distinct:
    """The distinct tuples of arrays that lie beside one another."""
    spans = [int(part.max(initial=0)) + 1 for part in parts]
    key = np.zeros(len(parts[0]), np.int64)
    for part, span in zip(parts, spans, strict=True):
        key = key * span + part
    distinct, place = np.unique(key, return_inverse=True)
    total = np.bincount(place, counts, len(distinct)).astype(np.int64)
    columns = list[Array]()
    for span in reversed(spans):
        distinct, column = np.divmod(distinct, span)
        columns.append(column)
    return _Distinct(tuple(reversed(columns)), total, place)
