"""What a projection's results read: elements in classes, for those of one class are read together and by the same results."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connection
from ir.mapping.relation import Relation
from ir.ops.linear import Conv, Linear, Sum

UNREAD = -1
"""The class of an operand's later micro-steps, which are of the same synapses."""


@dataclass(frozen=True, eq=False)
class ReceptiveFields:
    """Synapses as stored: a zero weight is one, padding is none."""

    readers: Relation
    """Class of operand elements -> the classes of results that read all of it."""
    operand: Array
    """int64, the class of every element of the operand, flat."""
    result: Array
    """int64, the class of every element of the result, flat."""


def receptive_fields(connection: Connection) -> ReceptiveFields:
    """
    The receptive fields of a projection.

    The classes of a linear map are its tokens, those of a convolution the pixels of every group of channels, those of a sum
    what is summed together, and of single synapses single elements.
    """
    op, shape, result = connection.projection.op, connection.operand, connection.projection.type.shape
    if isinstance(op, Conv):
        return _convolution(op, connection, result)
    if isinstance(op, Linear):
        tokens = np.arange(prod(shape[:-1]))
        return _one_to_one(np.repeat(tokens, shape[-1]), np.repeat(tokens, result[-1]))
    results = np.arange(prod(result))
    if isinstance(op, Sum):
        summed = np.broadcast_to(results.reshape(result), shape).copy()
        if op.micro:
            summed[1:] = UNREAD
        return _one_to_one(summed.ravel(), results)
    return _one_to_one(results, results)


def _one_to_one(operand: Array, result: Array) -> ReceptiveFields:
    return ReceptiveFields(Relation.one_each(int(result.max()) + 1), operand, result)


def _convolution(op: Conv, connection: Connection, result: tuple[int, ...]) -> ReceptiveFields:
    assert connection.weight is not None
    shape, readers = connection.operand, Relation.one_each(op.groups)
    for axis, (size, taps, places) in enumerate(zip(shape[1:], connection.weight.shape[2:], result[1:], strict=True)):
        readers = _product(readers, _axis(op, axis, size, taps, places), places)
    return ReceptiveFields(readers, _pixels(shape, op.groups), _pixels(result, op.groups))


def _axis(op: Conv, axis: int, size: int, taps: int, places: int) -> Relation:
    """Element of an axis -> the places of the kernel at which it is read."""
    read = op.reads(axis, size, taps)
    inside = read >= 0
    return Relation.of(read[inside], np.repeat(np.arange(places), inside.sum(axis=1)), size)


def _product(first: Relation, second: Relation, places: int) -> Relation:
    """Pairs of elements -> pairs of places, in C order; the second axis has `places`."""
    sets = first.sets[:, None] * second.count + second.sets
    members = first.members[:, None] * places + second.members
    return Relation.of(sets.ravel(), members.ravel(), first.count * second.count)


def _pixels(shape: tuple[int, ...], groups: int) -> Array:
    """The class of every element of (channels, *pixels)."""
    pixels, group = prod(shape[1:]), np.arange(shape[0]) // (shape[0] // groups)
    return (group[:, None] * pixels + np.arange(pixels)).ravel()
