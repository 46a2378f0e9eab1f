"""Routing behind a projection moves the bias with the current; routing before it renames wires."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.errors import DeployError
from ir.graph import GraphBuilder
from ir.lowerings.values import routed_bias
from ir.ops import Add, Concat, Expand, Input, Lif, Linear, Permute, Reshape, Slice
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

WEIGHT = (np.random.default_rng(0).integers(-4, 5, (6, 4)) / 4).astype(np.float32)
BIAS = np.array([0.5, 0.0, -0.5, 0.25, 1.0, 0.75], np.float32)


@pytest.mark.parametrize(
    ("chain", "bias_shape"),
    [
        ([Permute((1, 0))], (6, 1)),
        ([Reshape((3, 2, 3))], (1, 2, 3)),
        ([Reshape((3, 2, 3)), Permute((1, 0, 2))], (2, 1, 3)),
        ([Slice(1, 2, 5)], (1, 3)),
        ([Slice(0, 1, 2), Expand((4, 6))], (1, 6)),
        ([Reshape((18,))], (18,)),
    ],
)
def test_current(cmsf: SimpleNamespace, chain: list[Op], bias_shape: tuple[int, ...]):
    builder = GraphBuilder("routed", 3)
    value = builder.add(Input("spike[3x4]"), name="x")
    params = {"weight": builder.param("w", WEIGHT), "bias": builder.param("b", BIAS)}
    value = builder.add(Linear(), value, name="linear", params=params)
    for op in chain:
        value = builder.add(op, value, name=op.kind)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert lowered.arrays(lowered.nodes["y"])["bias"].shape == bias_shape


def test_sums_of_populations_are_routed_one_by_one(cmsf: SimpleNamespace):
    builder = GraphBuilder("counts", 2)
    a, b = builder.add(Input("spike[2x3]"), name="a"), builder.add(Input("spike[2x3]"), name="b")
    both = builder.add(Permute((1, 0)), builder.add(Add(), a, b, name="sum"), name="turned")
    twice = builder.add(Concat(1), both, both, name="joined")
    source = builder.build({"y": builder.add(Lif(0.5), twice, name="y"), "count": twice})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1))


def test_concatenated_currents_are_refused(cmsf: SimpleNamespace):
    builder = GraphBuilder("joined", 1)
    x = builder.add(Input("spike[3x4]"), name="x")
    current = builder.add(Linear(), x, name="linear", params={"weight": builder.param("w", WEIGHT)})
    joined = builder.add(Concat(0), current, current, name="both")
    source = builder.build({"y": builder.add(Lif(0.5), joined, name="y")})
    with pytest.raises(DeployError, match="concatenate the spikes behind the neurons"):
        lower_to_synapses(source, cmsf.LOIHI1, {})


def test_a_constant_bias_stays_small():
    routed = routed_bias(np.full((1, 4), 0.5, np.float32), (3, 4), Reshape((2, 6)))
    np.testing.assert_array_equal(routed, [[0.5]])
