"""Sums and differences: every population projects for itself, biases stay single, and outputs are counts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.analysis.resources import DUPLICATE, node_resources
from ir.graph import GraphBuilder, Provenance
from ir.ops import Add, Conv, Input, Lif, Linear, Subtract
from ir.passes.lower_to_synapses import lower_to_synapses


def _weight(builder: GraphBuilder, name: str, *shape: int) -> str:
    array = np.random.default_rng(len(name)).integers(-4, 5, shape) / 4
    return builder.param(name, array.astype(np.float32))


@pytest.mark.parametrize("populations", [1, 2, 3])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_projection_of_a_sum(cmsf: SimpleNamespace, populations: int, kind: str):
    builder = GraphBuilder("sum", 3)
    inputs = [builder.add(Input("spike[4x4]"), name=f"x{index}") for index in range(populations)]
    x = inputs[0]
    for each in inputs[1:]:  # nested, as blocks nest
        x = builder.add(Add(), x, each, name="x")
    shape, op = ((4, 4), Linear()) if kind == "linear" else ((4, 4, 3), Conv((1,), (1,), (1,)))
    params = {"weight": _weight(builder, "w", *shape), "bias": _weight(builder, "bias", 4)}
    y = builder.add(Lif(0.5, threshold=0.5), builder.add(op, x, name="projection", params=params), name="y")
    source = builder.build({"y": y})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 7, samples=20))
    shares = [row.share for row in node_resources(lowered) if row.synapses]
    assert shares == ["own"] + ["duplicate"] * (populations - 1)
    assert {lowered.nodes[name].param("weight") for name in lowered.nodes["y"].inputs} == {"w"}
    bias = lowered.arrays(lowered.nodes["y"])["bias"]
    assert bias.shape == ((1, 4) if kind == "linear" else (4, 1))


def test_currents_join_in_the_dendrite_and_every_reader_has_its_own_synapses(cmsf: SimpleNamespace):
    """An analog residual stream: the second neuron reads both branches again."""
    builder = GraphBuilder("stream", 2)
    x = builder.add(Input("spike[3]"), name="x")
    params = {"weight": _weight(builder, "w1", 3, 3), "bias": _weight(builder, "b", 3)}
    stream = builder.add(Linear(), x, name="stem", params=params)
    first = builder.add(Lif(0.5, threshold=0.5), stream, name="first")
    branch = builder.add(Linear(), first, name="branch", params=params)
    total = builder.add(Add(), stream, branch, name="total")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), total, name="second")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20), ["first", "second"])
    assert lowered.nodes["second"].inputs == ("stem_copy", "branch")
    assert DUPLICATE in lowered.nodes["stem_copy"].provenance.passes
    np.testing.assert_array_equal(lowered.params["second.bias"], 2 * lowered.params["first.bias"])


def test_a_population_added_to_itself_counts_twice(cmsf: SimpleNamespace):
    builder = GraphBuilder("twice", 2)
    x = builder.add(Input("spike[3]"), name="x")
    s = builder.add(Lif(0.5, threshold=0.5), x, name="s")
    both = builder.add(Add(), s, s, name="both")
    source = builder.build({"both": both, "y": builder.add(Lif(0.5), both, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1))
    assert str(lowered.nodes["both"].type) == "count<2>[3]"


def test_spikes_beside_a_current_enter_through_unit_synapses(cmsf: SimpleNamespace):
    builder = GraphBuilder("mixed", 2)
    x = builder.add(Input("spike[2x3]"), name="x")
    row = builder.add(Input("spike[3]"), name="row")
    current = builder.add(Linear(), row, name="linear", params={"weight": _weight(builder, "w", 3, 3)})
    total = builder.add(Add(), current, x, name="total")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), total, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))


def test_a_difference_before_a_linear_map_is_two_projections(cmsf: SimpleNamespace):
    builder = GraphBuilder("net", 3)
    a, b = (builder.add(Input("spike[4x6]"), name=name) for name in "ab")
    value = builder.add(Subtract(), a, b, name="difference", provenance=Provenance("net.attn"))
    params = {"weight": _weight(builder, "W", 5, 6), "bias": _weight(builder, "b", 5)}
    value = builder.add(Linear(), value, name="fc", params=params, provenance=Provenance("net.fc"))
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20), ["y"])
    weights = [lowered.arrays(node)["weight"] for node in lowered.nodes.values() if node.op.kind == "linear"]
    np.testing.assert_array_equal(weights, [source.params["W"], -source.params["W"]])
    assert cmsf.neurons_of(lowered) == ["y"]
