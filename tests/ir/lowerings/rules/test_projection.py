"""Projections become wires, one per population; the bias is kept aside, and maps behind maps are composed where they can be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.analysis.resources import node_resources
from ir.errors import DeployError
from ir.graph import Array, Graph, GraphBuilder, Provenance
from ir.lowerings.lowering import PASS, Lowering
from ir.lowerings.rules.projection import bias_of, composed_current, lower_projection, projected
from ir.lowerings.values import Complement, Current, Spikes, Wire
from ir.ops import Conv, Expand, Gather, Input, Lif, Linear, Permute, Reshape, Sum, Synapse
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

MODEL, ADDED = Provenance("net.p"), Provenance("net.p", (PASS,))
WEIGHT, BIAS = np.array([[1.0, -2.0], [0.5, 4.0], [3.0, 0.0]], np.float32), np.array([1.0, 2.0, 3.0], np.float32)
KERNEL = np.ones((3, 2, 1), np.float32)


def lowering_of(op: Op, params: dict[str, Array], shape: str = "4x2", populations: int = 1) -> Lowering:
    """A projection of a sum of spike inputs, before it is lowered; its operand is `x`."""
    builder = GraphBuilder("net", 1)
    inputs = [builder.add(Input(f"spike[{shape}]"), name=f"x{place}") for place in range(populations)]
    stored = {role: builder.param(role, array) for role, array in params.items()}
    graph: Graph = builder.build({"p": builder.add(op, inputs[0], name="p", params=stored, provenance=MODEL)})
    lowering = Lowering(graph)
    for name in inputs:
        lowering.builder.add(Input(f"spike[{shape}]"), name=name)
    lowering.values["x0"] = Spikes(tuple(inputs))
    return lowering


def lowered(lowering: Lowering) -> Current:
    current = lower_projection(lowering, lowering.graph.nodes["p"], ADDED)
    assert isinstance(current, Current)
    return current


def test_a_wire_for_every_population_and_one_bias():
    lowering = lowering_of(Linear(), {"weight": WEIGHT, "bias": BIAS}, populations=3)
    current = lowered(lowering)
    assert current.shape == (4, 3)
    assert current.wires == tuple(Wire(f"x{k}", Linear(), "p", MODEL, "weight") for k in range(3))
    assert current.bias.tolist() == [BIAS.tolist()]
    assert [node.op.kind for node in lowering.builder.build({}).nodes.values()] == ["input"] * 3, "nothing is built yet"


@pytest.mark.parametrize(
    ("op", "params", "shape", "bias"),
    [
        (Linear(), {"weight": WEIGHT, "bias": BIAS}, "2", (3,)),
        (Linear(), {"weight": WEIGHT, "bias": BIAS}, "4x5x2", (1, 1, 3)),
        (Conv((1,), (0,), (1,)), {"weight": KERNEL, "bias": BIAS}, "2x4", (3, 1)),
        (Conv((1, 1), (0, 0), (1, 1)), {"weight": KERNEL[..., None], "bias": BIAS}, "2x4x5", (3, 1, 1)),
        (Linear(), {"weight": WEIGHT}, "2", None),
        (Sum((0,)), {}, "4x2", None),
    ],
)
def test_the_bias_lies_along_the_features_of_the_result(op: Op, params: dict, shape: str, bias: tuple[int, ...] | None):
    lowering = lowering_of(op, params, shape)
    node = lowering.graph.nodes["p"]
    array = bias_of(lowering, node)
    assert (None if array is None else array.shape) == bias
    if array is not None:
        with_zero_weights = op.run(
            (np.zeros((1, 1, *lowering.graph.args(node)[0].shape)),), {**params, "weight": 0 * params["weight"]}, 1
        )
        assert np.array_equal(np.broadcast_to(array, node.type.shape), with_zero_weights[0, 0])


def test_unit_synapses_need_no_parameter():
    lowering = lowering_of(Synapse(0.5), {})
    assert projected(lowering, lowering.graph.nodes["p"], Spikes(("x0",))).wires == (
        Wire("x0", Synapse(0.5), "p", MODEL),
    )


@pytest.mark.parametrize("bias", [BIAS, None])
def test_negated_spikes_are_projected_with_the_opposite_sign(bias: Array | None):
    """W (1 - x) + b = -W x + (W 1 + b)."""
    lowering = lowering_of(Linear(), {"weight": WEIGHT} | ({} if bias is None else {"bias": bias}))
    lowering.values["x0"] = Complement("x0", "not", MODEL)
    current = lowered(lowering)
    assert [(wire.source, wire.op, wire.factor) for wire in current.wires] == [("x0", Linear(), -1.0)]
    expected = WEIGHT.sum(axis=1) + (0 if bias is None else bias)
    assert np.broadcast_to(current.bias, (4, 3)).tolist() == [expected.tolist()] * 4


def test_a_sum_of_negated_spikes_takes_the_neurons_that_negate():
    lowering = lowering_of(Sum((0,)), {})
    lowering.values["x0"] = Complement("x0", "not", ADDED)
    current = lowered(lowering)
    assert [wire.source for wire in current.wires] == ["not"]
    assert lowering.builder.node("not").op.kind == "lif"


def test_a_factor_in_front_of_a_projection_goes_to_its_weights():
    lowering = lowering_of(Linear(), {"weight": WEIGHT, "bias": BIAS})
    scaled = Current((4, 2), (Wire("x0", Synapse(0.5), "s", MODEL, factor=3.0),), np.full((1, 1), 2.0, np.float32))
    current = composed_current(lowering, lowering.graph.nodes["p"], scaled)
    assert current is not None
    assert [(wire.op, wire.weight, wire.factor) for wire in current.wires] == [(Linear(), "weight", 1.5)]
    assert np.broadcast_to(current.bias, (4, 3)).tolist() == [(2 * WEIGHT.sum(axis=1) + BIAS).tolist()] * 4


def test_maps_that_mix_features_are_no_single_projection():
    lowering = lowering_of(Linear(), {"weight": WEIGHT, "bias": BIAS})
    node = lowering.graph.nodes["p"]
    mixed = Current((4, 2), (Wire("x0", Linear(), "first", MODEL, "weight"),))
    assert composed_current(lowering, node, mixed) is None
    both = Current((4, 2), (Wire("x0", Synapse(), "one", MODEL), *mixed.wires))
    assert composed_current(lowering, node, both) is None, "all wires, or none"
    total = lowering_of(Sum((0,)), {})
    assert (
        composed_current(total, total.graph.nodes["p"], Current((4, 2), (Wire("x0", Synapse(), "one", MODEL),))) is None
    )


def test_a_product_or_current_that_no_projection_takes_is_refused():
    lowering = lowering_of(Sum((0,)), {})
    lowering.values["x0"] = Current((4, 2), (Wire("x0", Synapse(), "one", MODEL),))
    with pytest.raises(AssertionError, match="a row of its own"):
        lower_projection(lowering, lowering.graph.nodes["p"], ADDED)
    node = lowering.graph.nodes["p"]
    with pytest.raises(DeployError, match="sum between two neurons would read a current"):
        lowering.spikes(node, lowering.values["x0"], "sum between two neurons")


@pytest.mark.parametrize(
    ("routes", "synapses"),
    [
        ((Gather(0, (0, 1, 1, 0, 1)), Reshape((10,))), 3 * 4),
        ((Reshape((2, 2, 1)), Expand((2, 2, 5)), Permute((2, 0, 1)), Reshape((20,))), 3 * 4),
        ((Reshape((4,)), Gather(0, (3, 0))), 3 * 2),
        ((Reshape((4,)), Gather(0, (3, 0, -1, 0, 1, 2))), 3 * 6),
    ],
)
def test_copies_of_an_element_have_one_synapse(cmsf: SimpleNamespace, routes: tuple[Op, ...], synapses: int):
    builder = GraphBuilder("copies", 3)
    value = builder.add(Input("spike[2x2]"), name="x")
    for route in routes:
        value = builder.add(route, value, name="route")
    size = builder.type(value).size
    weight = builder.param("w", np.random.default_rng(0).integers(-4, 5, (3, size)).astype(np.float32) / 4)
    current = builder.add(Linear(), value, name="p", params={"weight": weight}, provenance=MODEL)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), current, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 0, samples=20), ["y"])
    assert sum(row.synapses for row in node_resources(lowered)) == synapses
