"""What a plan needs on a device is converted once, and products are kernels only where they are proven exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.parameters import DefinedProduct, DeviceParameters
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Delay, Graded, Input, Lif, Linear, Sum
from ir.ops.integer_neuron import IntegerLif

CPU = torch.device("cpu")


class Noting(DeviceKernels):
    """Plain torch that keeps what it was asked to prepare."""

    def __init__(self, reads_values: bool = True) -> None:
        self.projections, self.reads_values = [], reads_values

    def product(self, projection):
        self.projections.append(projection)
        return super().product(projection)


def parameters(graph: Graph, kernels: DeviceKernels | None = None) -> DeviceParameters:
    return DeviceParameters(plan_of(graph, frozenset()), CPU, kernels or Noting())


def integers(bits: int, largest: int = 100) -> Graph:
    """Two payloads of some bits through the same weights into one population with a bias."""
    b = GraphBuilder("net", 2)
    weight = b.param("w", np.array([[largest, -3], [1, 2]], np.int32))
    sources = [b.add(Input(f"graded<{bits}>[2]"), name=name) for name in "pq"]
    lines = [b.add(Linear(), source, name=f"l{source}", params={"weight": weight}) for source in sources]
    bias = {"bias": b.param("b", np.array([5, -6], np.int32))}
    total = b.add(Sum((0,), weight=2), sources[0], name="total")
    return b.build(
        {
            "y": b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), *lines, name="y", params=bias),
            "g": b.add(Graded(40), total, name="g"),
        }
    )


def test_tensors_are_made_once_for_each_dtype():
    params = parameters(integers(8))
    node = params.plan.graph.nodes["y"]
    bias = params.bias(node, torch.float32)
    assert bias is not None
    assert (bias.dtype, bias.tolist()) == (torch.float32, [5, -6])
    assert params.bias(node, torch.float32) is bias
    assert params.bias(node, torch.float64) is not bias
    assert params.bias(params.plan.graph.nodes["g"], torch.float32) is None
    assert {role: tensor.dtype for role, tensor in params.tensors(node).items()} == {"bias": torch.int64}


def test_delays_are_whole_numbers_in_any_network():
    b = GraphBuilder("late", 2)
    steps = b.param("steps", np.array([0, 1]))
    late = b.add(Delay(), b.add(Input("spike[2]"), name="x"), name="late", params={"steps": steps})
    weight = b.param("w", np.eye(2, dtype=np.float32))
    graph = b.build({"y": b.add(Lif(0.5), b.add(Linear(), late, name="l", params={"weight": weight}), name="y")})
    params = parameters(graph)
    assert params.tensors(graph.nodes["late"])["steps"].dtype == torch.int64
    assert params.tensors(graph.nodes["l"])["weight"].dtype == torch.float32


@pytest.mark.parametrize(("bits", "proven"), [(8, True), (17, True), (18, False)])
def test_kernels_are_for_sums_that_float32_proves_to_hold(bits: int, proven: bool):
    """Two sums of magnitudes of 103 x 2^(bits - 1) each, against 2^24."""
    kernels = Noting()
    params = parameters(integers(bits), kernels)
    product = params.product(("lp", "lq"))
    assert params.product(("lp", "lq")) is product
    assert isinstance(product, DefinedProduct) != proven
    assert len(kernels.projections) == proven
    rng = np.random.default_rng(0)
    half = 1 << (bits - 1)
    values = {name: torch.from_numpy(rng.integers(-half, half, (2, 3, 2))) for name in "pq"}
    travelling = {
        name: value.to(params.plan.travel_dtype(params.plan.graph.nodes[name].type)) for name, value in values.items()
    }
    exact = (values["p"] + values["q"]).numpy() @ params.plan.graph.params["w"].astype(np.int64).T
    assert np.array_equal(product.current(travelling.__getitem__).numpy(), exact)


@pytest.mark.parametrize(
    ("bits", "dtype", "in_int8"), [(6, None, True), (7, torch.float32, False), (9, torch.float32, False)]
)
def test_sources_are_added_in_bytes_where_their_sum_fits(bits: int, dtype: torch.dtype | None, in_int8: bool):
    kernels = Noting()
    parameters(integers(bits), kernels).product(("lp", "lq"))
    (projection,) = kernels.projections
    assert projection.sources.names == ("p", "q")
    assert (projection.sources.dtype, projection.in_int8) == (dtype, in_int8)
    assert projection.device_weight.dtype == torch.float32


def test_a_single_source_of_bytes_is_one():
    kernels = Noting()
    for bits, in_int8 in ((8, True), (9, False)):
        parameters(integers(bits), kernels).product(("lp",))
        assert kernels.projections[-1].in_int8 == in_int8
        assert kernels.projections[-1].sources.dtype is None


@pytest.mark.parametrize(
    ("largest", "reads_values", "dtype"),
    [(40, True, torch.float32), (1 << 19, True, torch.float64), (40, False, torch.float64)],
)
def test_unproven_sums_are_looked_at_where_the_device_may(largest: int, reads_values: bool, dtype: torch.dtype):
    params = parameters(integers(21), Noting(reads_values))
    x = torch.full((2, 1, 2), float(largest))
    y = params.product(("lp",)).current(lambda name: x)
    assert y.dtype == dtype
    assert y[0, 0].tolist() == [97 * largest, 3 * largest]


def test_sums_of_unit_synapses_are_defined():
    params = parameters(integers(8))
    product = params.product(("total",))
    assert isinstance(product, DefinedProduct)
    assert product.current(lambda name: torch.tensor([[[3, -5]]], dtype=torch.int8)).tolist() == [[[-4]]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_sums_round_once(dtype: str):
    b, weights = GraphBuilder("real", 1, dtype=dtype), np.array([[0.1, 0.2, 0.3, 1e8, -1e8]], dtype)
    current = b.add(Linear(), b.add(Input("spike[5]"), name="x"), name="l", params={"weight": b.param("w", weights)})
    graph = b.build({"y": b.add(Lif(0.5), current, name="y")})
    x = torch.ones((1, 1, 5), dtype=getattr(torch, dtype))
    y = parameters(graph).product(("l",)).current(lambda name: x)
    assert y.item() == weights.dtype.type(float(sum(map(Fraction, weights[0].tolist()))))
    assert y.item() != weights.sum()


def test_currents_are_merged_in_a_dtype_that_holds_both():
    b = GraphBuilder("merge", 1)
    weight = b.param("w", np.array([[1 << 20]], np.int32))
    lines = [
        b.add(Linear(), b.add(Input(f"graded<{bits}>[1]"), name=f"x{bits}"), name="l", params={"weight": weight})
        for bits in (4, 5)
    ]
    merged = b.add(Add(), *lines, name="merged")
    graph = b.build({"y": b.add(IntegerLif(4095, 0, 1, 6, 12, 24), merged, name="y")})
    params = parameters(graph)
    route = params.route(graph.nodes["merged"])
    assert params.route(graph.nodes["merged"]) is route
    halves = torch.tensor([[[float(1 << 23)]]]), torch.tensor([[[float((1 << 24) - 1)]]])
    assert route(halves, 1).dtype == torch.float64, "8 and 16 times 2^20 together are beyond 2^24"
    assert route(halves, 1).item() == (1 << 23) + (1 << 24) - 1
