"""Convolutions and unit sums of one step against sums of fractions, tap by tap, in every arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from backends.lava.core.instructions import wiring_instruction
from backends.lava.validate import magnitude_bounds
from ir.graph import GraphBuilder
from ir.ops import Conv, Input, IntegerLif, Lif, Linear, Sum

SHAPE = (4, 5, 6)
CASES = [
    (Conv((1, 1), (0, 0), (1, 1)), (3, 4, 2, 3)),
    (Conv((2, 1), (1, 2), (1, 2), 2), (6, 2, 3, 2)),
    (Conv((2, 3), (0, 0), (1, 1), 4), (4, 1, 2, 3)),
    (Conv((1, 2), (2, 0), (2, 1), 4), (8, 1, 3, 1)),
]


def by_taps(op, x, weight):
    """y[o, p] = sum W[o, c, k] x[c, stride p + dilation k - padding], as fractions."""
    outputs, per_group, *kernel = weight.shape
    sizes = [
        (x.shape[1 + a] + 2 * op.padding[a] - op.dilation[a] * (kernel[a] - 1) - 1) // op.stride[a] + 1 for a in (0, 1)
    ]
    y = np.zeros((outputs, *sizes), object)
    for o, i, j in np.ndindex(*y.shape):
        first = o // (outputs // op.groups) * per_group
        for c, m, n in product(range(per_group), range(kernel[0]), range(kernel[1])):
            row = op.stride[0] * i + op.dilation[0] * m - op.padding[0]
            column = op.stride[1] * j + op.dilation[1] * n - op.padding[1]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                y[o, i, j] += Fraction(float(weight[o, c, m, n])) * Fraction(float(x[first + c, row, column]))
    return y


def computed(op, weight, x, dtype):
    """What the instruction of one projection makes of one step."""
    b = GraphBuilder("one", 0, dtype="float32" if dtype == "int32" else dtype)
    source = b.add(Input(f"graded<8>[{'x'.join(map(str, x.shape))}]"), name="x")
    params = {} if weight is None else {"weight": b.param("w", weight)}
    current = b.add(op, source, name="c", params=params)
    neuron = IntegerLif(4095, 0, 1, 6, 12, 24) if dtype == "int32" else Lif(0.5)
    graph = b.build({"y": b.add(neuron, current, name="y")})
    bounds = magnitude_bounds(graph) if dtype == "int32" else None
    return wiring_instruction(graph, graph.nodes["c"], bounds)(x[None, None])[0, 0]


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
@pytest.mark.parametrize(("op", "shape"), CASES)
def test_convolutions(op, shape, dtype):
    rng = np.random.default_rng(len(shape) + shape[0])
    weight, x = (rng.integers(-90, 90, n) if dtype == "int32" else rng.normal(size=n) for n in (shape, SHAPE))
    weight, x = weight.astype(dtype), x.astype("float32" if dtype == "int32" else dtype)
    wanted = by_taps(op, x, weight).astype(np.float64)
    found = computed(op, weight, x, dtype)
    assert np.array_equal(found, wanted if dtype != "float32" else wanted.astype(np.float32))
    assert found.dtype == (np.float32 if dtype == "int32" else dtype)


@pytest.mark.parametrize("op", [Linear(), Sum((0,))])
def test_sums_that_cancel_are_rounded_once(op):
    x = np.array([0.003, 1e16, 1.0, -1e16, 0.1])
    exact = float(sum(Fraction(float(n)) for n in x))
    weight = np.ones((1, 5)) if isinstance(op, Linear) else None
    assert computed(op, weight, x, "float64")[0] == exact
    assert x.sum() != exact
