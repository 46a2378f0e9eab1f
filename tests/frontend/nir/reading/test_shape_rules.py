"""Shapes from parameters and from each other, worked out by hand or by torch; backwards only where that is certain."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.nir.reading.shape_rules import (
    CONV,
    ENDPOINT,
    FLATTEN,
    MATRIX,
    POOL,
    ShapeRule,
    elementwise,
    flattened_axes,
)
from ir.errors import CompileError


def conv(kernel: int, stride: int, padding: int, dilation: int, input_shape: Any = None) -> dict[str, Any]:
    """A kernel of (6, 2, kernel, 3) in two groups; the second axis always alike."""
    return {
        "weight": np.ones((6, 2, kernel, 3)),
        "groups": 2,
        "stride": (stride, 1),
        "padding": ((padding, padding), (1, 1)),
        "dilation": (dilation, 1),
        "input_shape": input_shape,
    }


CONVOLUTIONS = list(product((1, 2, 4), (1, 2, 3), (0, 2), (1, 2)))


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), CONVOLUTIONS)
def test_convolutions_as_torch_computes_them(kernel: int, stride: int, padding: int, dilation: int) -> None:
    params = conv(kernel, stride, padding, dilation)
    for size in (7, 8, 9):
        x, weight = torch.zeros(1, 4, size, 5), torch.from_numpy(params["weight"]).float()
        y = F.conv2d(x, weight, None, (stride, 1), (padding, 1), (dilation, 1), 2)
        assert CONV.forward(params, (4, size, 5)) == tuple(y.shape[1:])
        assert CONV.backward(params, tuple(y.shape[1:])) == ((4, size, 5) if stride == 1 else None)


def test_convolutions_that_say_their_input_shape() -> None:
    assert CONV.from_params(conv(3, 1, 0, 1)) is None
    assert CONV.from_params(conv(3, 1, 0, 1, (8, 5))) == (4, 8, 5)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((3, 8, 5), "takes 4 channels as (channels, height, width), but gets the shape (3, 8, 5)"),
        ((4, 8), "takes 4 channels"),
        ((4, 2, 5), "its window of 3 is larger than its padded input of 2"),
    ],
)
def test_what_a_convolution_cannot_take(shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(CompileError) as caught:
        CONV.forward(conv(3, 1, 0, 1), shape)
    assert (caught.value.rule, text in caught.value.what) == ("nir.shape", True)


def test_what_a_convolution_cannot_have_made() -> None:
    assert CONV.backward(conv(3, 1, 0, 1), (6, 8)) is None
    assert CONV.backward(conv(1, 1, 2, 1), (6, 2, 5)) is None, "all of it would be padding"


def test_matrices() -> None:
    params = {"weight": np.ones((5, 7, 3, 4))}
    assert MATRIX.from_params(params) == (5, 7, 4)
    assert MATRIX.forward(params, (5, 7, 4)) == (5, 7, 3)
    assert MATRIX.backward(params, (5, 7, 3)) is None


@pytest.mark.parametrize(("size", "windows"), [(7, 3), (8, 4), (9, 4)])
def test_pools(size: int, windows: int) -> None:
    """Windows of 3 at 0, 2, 4, ... of size + 1 rows; what is left of them at the end is not covered."""
    params = {"kernel_size": (3, 1), "stride": (2, 1), "padding": ((1, 0), (0, 0))}
    assert POOL.forward(params, (2, size, 5)) == (2, windows, 5)
    assert POOL.from_params(params) is None
    with pytest.raises(CompileError, match=r"takes \(channels, height, width\)"):
        POOL.forward(params, (2, size))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, -1, (24,)), (1, -1, (2, 12)), (0, 1, (6, 4)), (-2, -1, (2, 12)), (1, 1, (2, 3, 4))],
)
def test_flatten(start: int, end: int, expected: tuple[int, ...]) -> None:
    assert FLATTEN.forward({"start_dim": start, "end_dim": end}, (2, 3, 4)) == expected


def test_flattened_axes_count_from_the_front() -> None:
    assert flattened_axes({"start_dim": -3, "end_dim": -2}, 3) == (0, 1)
    for start, end in ((0, 3), (-4, 1), (2, 1)):
        with pytest.raises(CompileError, match=f"start_dim {start} and end_dim {end} do not fit a value with 3 axes"):
            flattened_axes({"start_dim": start, "end_dim": end}, 3)


def test_ends_pass_whatever_comes() -> None:
    assert ENDPOINT.from_params({"shape": (3,)}) == (3,)
    assert ENDPOINT.from_params({"shape": ()}) is ENDPOINT.from_params({"shape": None}) is None
    assert ENDPOINT.fallback({"shape": ()}) == (), "at last it may mean a single value"
    assert ENDPOINT.forward({}, (2, 3)) == ENDPOINT.backward({}, (2, 3)) == (2, 3)


def population(*shapes: tuple[int, ...]) -> tuple[ShapeRule, dict[str, Any]]:
    params = {f"p{place}": np.ones(shape) for place, shape in enumerate(shapes)}
    return elementwise(*params), params


@pytest.mark.parametrize(
    ("shapes", "fixed", "fallback"),
    [
        ([(4,), (4,)], (4,), (4,)),
        ([(), (4,), (1,)], (4,), (1,)),
        ([(), ()], None, ()),
        ([(), (1, 1), (1,)], None, (1, 1)),
    ],
)
def test_populations_have_the_shape_of_their_parameters(
    shapes: list[tuple[int, ...]], fixed: Any, fallback: tuple[int, ...]
) -> None:
    rule, params = population(*shapes)
    assert rule.from_params(params) == fixed
    assert len(rule.fallback(params) or ()) == len(fallback)
    assert rule.forward(params, (2, 3)) == rule.backward(params, (2, 3)) == (2, 3)


def test_parameters_of_two_shapes_are_refused() -> None:
    rule, params = population((4,), (1,), (2, 2))
    with pytest.raises(CompileError, match=r"different shapes: p0 \(4,\), p2 \(2, 2\)"):
        rule.from_params(params)
