"""Several operations as one node: matrices of single tokens, and uneven padding as 'same'; only where nobody else reads them."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.writing.operator_fusion import operator_fusions
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Op, Pad, Reshape

RNG = np.random.default_rng(0)


class Net:
    def __init__(self, *shape: int) -> None:
        self.builder = GraphBuilder("net", 1)
        self.x = self.builder.add(Input(f"real[{'x'.join(map(str, shape))}]"), name="x")

    def add(self, op: Op, value: str, name: str, **params: Array) -> str:
        stored = {role: self.builder.param(f"{name}.{role}", array) for role, array in params.items()}
        return self.builder.add(op, value, name=name, params=stored)


def tokens(bias: bool = True, conv: Any = None, shape: tuple[int, ...] = (2, 3, 4), *read: str) -> Graph:
    """A matrix (5, 4) for each of 2 x 3 tokens, as the importer makes of NIR's leading axes; `read`: further outputs."""
    net = Net(*shape)
    weight = RNG.normal(size=(30, 4, 1)).astype(np.float32)
    params = {"weight": weight} | ({"bias": RNG.normal(size=30).astype(np.float32)} if bias else {})
    before = net.add(Reshape((24, 1)), net.x, "before")
    middle = net.add(conv or Conv((1,), (0,), (1,), 6), before, "conv", **params)
    after = net.add(Reshape((2, 3, 5)), middle, "after")
    return net.builder.build({"y": after, **{name: name for name in read}})


@pytest.mark.parametrize("bias", [True, False])
def test_a_matrix_for_every_token(bias: bool) -> None:
    graph = tokens(bias)
    fusions = operator_fusions(graph)
    assert list(fusions) == ["after"]
    assert (fusions["after"].operand, set(fusions["after"].absorbed)) == ("x", {"conv", "before"})
    (node,) = fusions["after"].fragment.trunk
    assert isinstance(node, nir.Affine if bias else nir.Linear)
    x = RNG.normal(size=(1, 1, 2, 3, 4)).astype(np.float32)
    result = np.einsum("...oi,...i->...o", node.weight, x) + (node.bias if bias else 0)
    np.testing.assert_allclose(result, interpret(graph, {"x": x})["y"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "graph",
    [
        tokens(True, None, (2, 3, 4), "conv"),
        tokens(True, None, (2, 3, 4), "before"),
        tokens(True, None, (6, 4)),
        tokens(True, None, (3, 2, 4)),
    ],
)
def test_what_others_read_or_lies_otherwise_is_left(graph: Graph) -> None:
    assert operator_fusions(graph) == {}


def padded(
    kernel: tuple[int, int], pads: dict[int, tuple[int, int]], *read: str, **changes: Any
) -> tuple[Graph, Array]:
    """A convolution of two groups behind zeros on single axes; `read`: further outputs."""
    net = Net(2, 6, 5)
    value = net.x
    for axis, (before, after) in pads.items():
        value = net.add(Pad(axis, before, after), value, f"pad{axis}")
    fields = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 2, **changes}
    weight = RNG.normal(size=(4, 1, *kernel)).astype(np.float32)
    outputs = {"y": net.add(Conv(**fields), value, "conv", weight=weight), **{name: name for name in read}}
    return net.builder.build(outputs), weight


@pytest.mark.parametrize(
    ("kernel", "pads", "changes", "absorbed"),
    [
        ((2, 3), {1: (0, 1)}, {"padding": (0, 1)}, ("pad1",)),
        ((2, 4), {1: (0, 1), 2: (1, 2)}, {}, ("pad2", "pad1")),
        ((2, 3), {1: (0, 1), 2: (1, 1)}, {}, ("pad2", "pad1")),
        ((2, 2), {1: (1, 2), 2: (1, 2)}, {"dilation": (3, 3)}, ("pad2", "pad1")),
    ],
)
def test_zeros_as_torch_s_same(kernel: Any, pads: Any, changes: Any, absorbed: tuple[str, ...]) -> None:
    graph, weight = padded(kernel, pads, **changes)
    fusion = operator_fusions(graph)["conv"]
    assert (fusion.operand, fusion.absorbed) == ("x", absorbed)
    (node,) = fusion.fragment.trunk
    assert isinstance(node, nir.Conv2d)
    assert (node.padding, node.groups, node.weight.shape) == ("same", 1, (4, 2, *kernel))
    np.testing.assert_array_equal(node.weight[:2, :1], weight[:2])
    assert not node.weight[:2, 1:].any()
    assert not node.bias.any()


@pytest.mark.parametrize(
    ("kernel", "pads", "changes"),
    [
        ((2, 3), {1: (1, 0)}, {"padding": (0, 1)}),  # torch puts the odd one at the end
        ((2, 3), {1: (0, 1)}, {"padding": (0, 1), "stride": (2, 1)}),
        ((2, 3), {1: (0, 2)}, {"padding": (0, 1)}),
        ((3, 3), {}, {"padding": (1, 1)}),  # a convolution by itself
        ((3, 3), {0: (0, 0)}, {"padding": (1, 1)}),  # channels
    ],
)
def test_other_zeros_are_nodes_of_their_own(kernel: Any, pads: Any, changes: Any) -> None:
    assert operator_fusions(padded(kernel, pads, **changes)[0]) == {}


def test_zeros_that_others_read_too_are_nodes_of_their_own() -> None:
    assert operator_fusions(padded((2, 3), {1: (0, 1)}, "pad1", padding=(0, 1))[0]) == {}
