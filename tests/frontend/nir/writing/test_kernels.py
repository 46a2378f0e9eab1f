"""Convolutions in the form that nir's type check accepts, the same sums as torch's of the original; pools where they are some."""

from __future__ import annotations

from itertools import product
from typing import Any

import nir
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.nir.writing.kernels import conv, dense_kernels
from ir.graph import Array, Graph, GraphBuilder
from ir.ops import Conv, Input

RNG = np.random.default_rng(0)


def graph_of(op: Conv, weight: Array, shape: tuple[int, ...], bias: Array | None = None) -> Graph:
    builder = GraphBuilder("net", 4)
    params = {"weight": builder.param("w", weight)} | ({} if bias is None else {"bias": builder.param("b", bias)})
    x = builder.add(Input(f"real[{'x'.join(map(str, shape))}]"), name="x")
    return builder.build({"y": builder.add(op, x, name="y", params=params)})


def written(graph: Graph, expand: bool) -> Any:
    (node,) = conv(graph, graph.nodes["y"], expand).trunk
    return node


def run(node: Any, x: np.ndarray) -> np.ndarray:
    """What torch makes of a node of NIR."""
    compute = F.conv1d if isinstance(node, nir.Conv1d) else F.conv2d
    weight, bias = torch.tensor(node.weight), torch.tensor(node.bias)
    numbers = [tuple(map(int, np.atleast_1d(value))) for value in (node.stride, node.padding, node.dilation)]
    return compute(torch.from_numpy(x)[None], weight, bias, *numbers, node.groups)[0].numpy()


def test_groups_are_zeros_in_kernels_over_all_channels() -> None:
    weight = RNG.normal(size=(6, 2, 3)).astype(np.float32)
    x = torch.from_numpy(RNG.normal(size=(1, 4, 7)).astype(np.float32))
    dense = dense_kernels(weight, 2)
    assert dense.shape == (6, 4, 3)
    np.testing.assert_allclose(
        F.conv1d(x, torch.from_numpy(dense)), F.conv1d(x, torch.from_numpy(weight), groups=2), atol=1e-6
    )
    assert dense_kernels(weight, 1) is weight


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    list(product([(3, 3), (1, 3), (2, 1)], [(1, 1), (2, 1)], [(0, 0), (1, 2)], [(1, 1), (1, 2)])),
)
def test_every_form_computes_the_same(kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
    weight, bias = RNG.normal(size=(4, 1, *kernel)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    graph = graph_of(Conv(stride, padding, dilation, 2), weight, (2, 8, 7), bias)
    x = RNG.normal(size=(2, 8, 7)).astype(np.float32)
    as_it_is, expanded = written(graph, expand=False), written(graph, expand=True)
    assert as_it_is.weight is graph.params["w"]
    assert (as_it_is.groups, expanded.groups) == (2, 1)
    expected = F.conv2d(
        torch.from_numpy(x)[None], torch.from_numpy(weight), torch.from_numpy(bias), stride, padding, dilation, 2
    )
    for node in (as_it_is, expanded):
        np.testing.assert_allclose(run(node, x), expected[0].numpy(), atol=1e-5)


@pytest.mark.parametrize(("kernel", "padding"), [((1, 3), (0, 1)), ((3, 1), (1, 0)), ((3, 5), (1, 2))])
def test_kernels_that_are_not_square_grow_zeros_where_the_padding_allows_it(kernel: Any, padding: Any) -> None:
    graph = graph_of(Conv((1, 1), padding, (1, 1)), RNG.normal(size=(2, 1, *kernel)).astype(np.float32), (1, 8, 7))
    node = written(graph, expand=True)
    assert node.weight.shape[2] == node.weight.shape[3] == max(kernel)
    assert np.count_nonzero(node.weight) == 2 * kernel[0] * kernel[1]


def test_without_a_bias_the_node_has_one_of_zeros() -> None:
    node = written(graph_of(Conv((1,), (0,), (1,)), np.ones((2, 1, 3), np.float32), (1, 5)), expand=False)
    assert isinstance(node, nir.Conv1d)
    assert (node.bias.tolist(), node.bias.dtype) == ([0, 0], np.float32)


def pool(weight: float, kernel: tuple[int, int] = (2, 2), **changes: Any) -> Any:
    fields = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 1), "groups": 3, **changes}
    bias = fields.pop("bias", None)
    array = np.full((3, 3 // fields["groups"], *kernel), weight, np.float32)
    return written(graph_of(Conv(**fields), array, (3, 6, 6), bias), expand=False)


def test_equal_weights_channel_by_channel_are_a_pool() -> None:
    for weight, kind in ((1.0, nir.SumPool2d), (0.25, nir.AvgPool2d)):
        node = pool(weight)
        assert type(node) is kind
        assert [list(map(int, value)) for value in (node.kernel_size, node.stride, node.padding)] == [
            [2, 2],
            [2, 1],
            [1, 0],
        ]
    third = pool(float(np.float32(1 / 3)), (3, 1))
    assert isinstance(third, nir.AvgPool2d), "a third as float32 has it"


@pytest.mark.parametrize(
    "node",
    [
        lambda: pool(0.5),
        lambda: pool(1.0, dilation=(2, 1)),
        lambda: pool(1.0, groups=1),
        lambda: pool(1.0, (1, 1)),
        lambda: pool(1.0, bias=np.ones(3, np.float32)),
    ],
)
def test_what_is_no_pool(node: Any) -> None:
    assert isinstance(node(), nir.Conv2d)
