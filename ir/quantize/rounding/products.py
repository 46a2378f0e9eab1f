"""
What the weights of a population read together: the mean products M of their inputs x, over samples, steps and places.

Where rounding changes a row of weights by e, it changes a current by e x: e M e' is the mean of its square, M the mean of x x'.
Sources that share their weights in a population are added up first: W a + W b = W (a + b).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from math import prod
from operator import add

import numpy as np

from ir.analysis.weight_groups import WeightGroup, weight_groups
from ir.graph import Array, Graph, Node
from ir.ops.base import Value
from ir.ops.linear import Conv, Linear
from ir.quantize.weights import LEVELS, quantum_of

WIDEST = 1024
"""Weights per neuron up to which products are worth their time and memory."""
PLACES = 4096
"""Rows of inputs that are looked at, spread over samples, steps and places: some times as many as weights per neuron."""
GOLDEN = (5**0.5 - 1) / 2


def values_read(chip: Graph, node: Node) -> tuple[str, ...]:
    """What `input_products` takes the values of."""
    groups = _measured(chip, node)
    return tuple(dict.fromkeys(chip.nodes[name].inputs[0] for group in groups for name in group.projections))


def input_products(chip: Graph, node: Node, values: Mapping[str, Value]) -> dict[str, Array]:
    """
    Weight -> the products of what a population reads by it, (I, I) for rows of I weights.

    Args:
        values: of what its projections read, (T or 1, B, *shape).
    """
    found: dict[str, Array] = {}
    for group in _measured(chip, node):
        projection = chip.nodes[group.projections[0]]
        weight = projection.param("weight")
        assert weight is not None
        total = reduce(add, (np.asarray(values[chip.nodes[name].inputs[0]]) for name in group.projections))
        rows = _rows(projection, total, chip.params[weight].shape).astype(np.float32)  # exact for spikes and counts
        found[weight] = found.get(weight, 0) + rows.T @ rows / len(rows)
    return found


def _measured(chip: Graph, node: Node) -> Iterator[WeightGroup]:
    """The matrices and kernels of a population that will be rounded."""
    for group in weight_groups(chip, node.inputs):
        projection = chip.nodes[group.projections[0]]
        weight = chip.arrays(projection).get("weight")
        dense = isinstance(projection.op, Linear) or (isinstance(projection.op, Conv) and projection.op.groups == 1)
        if dense and weight is not None and prod(weight.shape[1:]) <= WIDEST and quantum_of(weight, LEVELS) is None:
            yield group


def _rows(projection: Node, value: Array, weight: tuple[int, ...]) -> Array:
    """What one neuron reads, in the order of its weights, at some of all places."""
    if not isinstance(projection.op, Conv):
        rows = value.reshape(-1, weight[1])
        return rows[_spread(len(rows))]
    frames, kernel = value.reshape(-1, *value.shape[2:]), weight[2:]
    sizes = frames.shape[2:]
    shape = (len(frames), *projection.op.places(sizes, kernel))
    frame, *places = np.unravel_index(_spread(prod(shape)), shape)
    index: list[Array | slice] = [frame.reshape(-1, *(1,) * len(kernel)), slice(None)]
    for axis, (size, taps) in enumerate(zip(sizes, kernel, strict=True)):
        reads = projection.op.reads(axis, size, taps)[places[axis]]
        index.append(reads.reshape(-1, *(taps if axis == other else 1 for other in range(len(kernel)))))
    padded = np.pad(frames, [(0, 0), (0, 0), *((0, 1) for _ in kernel)])  # -1 reads the zero behind the end
    return np.moveaxis(padded[tuple(index)], -1, 1).reshape(len(frame), -1)


def _spread(total: int) -> Array:
    """At most `PLACES` of `total` rows, at no period that the rows may have."""
    if total <= PLACES:
        return np.arange(total)
    return (np.arange(PLACES) * GOLDEN % 1 * total).astype(np.int64)
