"""Routing behind a projection moves the bias with the current; routing before it renames wires."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.graph import GraphBuilder
from ir.lowerings.values import routed_bias
from ir.ops import Add, Concat, Expand, Input, Lif, Linear, Not, Permute, Reshape, Scale, Slice
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.verify import verify

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


JOINS = {
    "currents": (("current", "current"), 0, ["pad", "pad"]),
    "spikes and a current": (("spike", "current", "spike"), 0, ["pad"] * 3),
    "negated spikes and a current": (("not", "current"), 0, ["pad", "pad"]),
    "negated spikes and spikes": (("not", "spike"), 0, ["concat"]),
    "payloads and spikes": (("graded", "spike"), 0, ["pad", "pad"]),
    "payloads of other bits": (("graded", "payload"), 0, ["pad", "pad"]),
    "like payloads": (("graded", "graded"), 0, ["concat"]),
    "spikes times one number": (("half", "half"), 1, ["concat"]),
    "spikes times two": (("half", "spike"), 0, ["pad", "pad"]),
    "counts of as many": (("two", "two"), 1, ["concat", "concat"]),
    "counts and spikes": (("two", "spike", "three"), 1, ["concat", "pad", "concat", "pad"]),
    "spikes and counts": (("spike", "two", "two", "spike"), 0, ["concat", "pad", "pad", "concat"]),
}
"""What is joined, the axis, and the routing that it takes."""


def _operand(builder: GraphBuilder, kind: str, name: str) -> str:
    """A value of (3, 4)."""
    kinds = {"graded": "graded<8>", "payload": "graded<16>"}
    x = builder.add(Input(f"{kinds.get(kind, 'spike')}[3x4]"), name=name)
    if kind == "current":
        params = {"weight": builder.param("w", WEIGHT[:4]), "bias": builder.param("b", BIAS[:4])}
        return builder.add(Linear(), x, name="linear", params=params)
    if kind in ("two", "three"):
        others = [builder.add(Input("spike[3x4]"), name=name) for _ in range({"two": 1, "three": 2}[kind])]
        return builder.add(Add(), x, *others, name="sum")
    ops = {"half": Scale(0.5), "not": Not()}
    return builder.add(ops[kind], x, name=kind) if kind in ops else x


@pytest.mark.parametrize("case", JOINS)
def test_joins(cmsf: SimpleNamespace, case: str):
    kinds, axis, routing = JOINS[case]
    builder = GraphBuilder("joined", 3)
    joined = builder.add(
        Concat(axis), *(_operand(builder, kind, name) for kind, name in zip(kinds, "abcd", strict=False)), name="join"
    )
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), joined, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    verify(lowered, "synaptic")
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert [node.op.kind for node in lowered.nodes.values() if node.op.family == "routing"] == routing


def test_the_constant_of_a_joined_current_is_its_own(cmsf: SimpleNamespace):
    builder = GraphBuilder("joined", 1)
    joined = builder.add(Concat(0), *(_operand(builder, kind, "x") for kind in ("current", "spike")), name="join")
    lowered = lower_to_synapses(builder.build({"y": builder.add(Lif(0.5), joined, name="y")}), cmsf.LOIHI1, {})
    bias = lowered.arrays(lowered.nodes["y"])["bias"]
    np.testing.assert_array_equal(bias, np.concatenate([np.tile(BIAS[:4], (3, 1)), np.zeros((3, 4))]))


def test_an_output_of_spikes_and_counts_is_counts(cmsf: SimpleNamespace):
    builder = GraphBuilder("joined", 2)
    joined = builder.add(Concat(1), *(_operand(builder, kind, "x") for kind in ("spike", "two")), name="join")
    source = builder.build({"y": joined})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    assert str(lowered.nodes[lowered.outputs["y"]].type) == "count<2>[3x8]"
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1))


def test_a_constant_bias_stays_small():
    routed = routed_bias(np.full((1, 4), 0.5, np.float32), (3, 4), Reshape((2, 6)))
    np.testing.assert_array_equal(routed, [[0.5]])
