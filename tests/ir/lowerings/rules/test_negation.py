"""1 - x, a - b and products with negated spikes (SEW-ResNet's IAND): exact at every step, without neurons where none is needed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import (
    Add,
    Concat,
    Conv,
    Expand,
    Input,
    Lif,
    Linear,
    MatMul,
    MaxPool,
    Mul,
    Not,
    Op,
    Permute,
    Reshape,
    Scale,
    Subtract,
    Sum,
)
from ir.passes.lower_to_synapses import lower_to_synapses

RANDOM = np.random.default_rng(3)
WEIGHT = (RANDOM.integers(-4, 5, (5, 6)) / 4).astype(np.float32)
BIAS = (RANDOM.integers(-4, 5, 5) / 4).astype(np.float32)
KERNEL = (RANDOM.integers(-4, 5, (3, 4, 3)) / 4).astype(np.float32)
ATTN = Provenance("net.attn")
Build = Callable[[GraphBuilder, str, str], str]


def _net(build: Build, steps: int = 3) -> Graph:
    """What `build` makes of two spike inputs (4, 6), read by a neuron."""
    builder = GraphBuilder("net", steps)
    a, b = (builder.add(Input("spike[4x6]"), name=name) for name in "ab")
    value = build(builder, a, b)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


def _then(*ops: tuple[Op, dict[str, np.ndarray]] | Op) -> Build:
    """NOT a, then the operations in a row."""

    def build(builder: GraphBuilder, a: str, _b: str) -> str:
        value = builder.add(Not(), a, name="negated", provenance=ATTN)
        for op in ops:
            op, params = op if isinstance(op, tuple) else (op, {})
            stored = {role: builder.param(f"{op.kind}.{role}", array) for role, array in params.items()}
            value = builder.add(op, value, name=op.kind, params=stored, provenance=ATTN)
        return value

    return build


def _joined(op: Op, *, negate_both: bool = False, shape: tuple[int, ...] | None = None) -> Build:
    """op(a, NOT b), or of both negated; b first reshaped."""

    def build(builder: GraphBuilder, a: str, b: str) -> str:
        b = builder.add(Not(), b, name="negated", provenance=ATTN)
        b = builder.add(Permute((1, 0)), b, name="turned") if shape else b
        a = builder.add(Not(), a, name="negated", provenance=ATTN) if negate_both else a
        return builder.add(op, a, b, name="joined", provenance=ATTN)

    return build


CASES: dict[str, tuple[Build, int]] = {
    "a neuron": (_then(), 0),
    "twice": (_then(Not()), 0),
    "linear": (_then((Linear(), {"weight": WEIGHT, "bias": BIAS})), 0),
    "conv": (_then((Conv((1,), (1,), (1,)), {"weight": KERNEL})), 0),
    "linear behind routing": (_then(Permute((1, 0)), Reshape((24,)), (Linear(), {"weight": np.tile(WEIGHT, 4)})), 0),
    "scaled": (_then(Scale(-0.5)), 0),
    "sum": (_then(Sum((0,))), 24),
    "max pool": (_then(MaxPool((2,), (2,), (0,), (1,))), 24 + 12),
    "and not": (_joined(Mul()), 24),
    "neither": (_joined(Mul(), negate_both=True), 24),
    "added": (_joined(Add()), 0),
    "subtracted": (_joined(Subtract()), 0),
    "concatenated": (_joined(Concat(0)), 24),
    "multiplied": (_joined(MatMul(), shape=(6, 4)), 24 + 4 * 6 * 4),
}


@pytest.mark.parametrize("case", CASES)
def test_exact_at_every_step(cmsf: SimpleNamespace, case: str):
    build, added = CASES[case]
    source = _net(build)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    for seed, rate in enumerate((0.1, 0.5, 0.9, 1.1)):
        cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, samples=9, rate=rate), ["y"])
    populations = cmsf.neurons_of(lowered)
    assert sum(lowered.nodes[name].type.size for name in populations) == added + source.nodes["y"].type.size


@given(negated=st.tuples(st.booleans(), st.booleans()), seed=st.integers(0, 99), steps=st.integers(1, 4))
def test_truth_tables_of_products(cmsf: SimpleNamespace, negated: tuple[bool, bool], seed: int, steps: int):
    builder = GraphBuilder("table", steps)
    factors = [builder.add(Input("spike[5]"), name=name) for name in "ab"]
    factors = [builder.add(Not(), x, name=f"not_{x}") if no else x for x, no in zip(factors, negated, strict=True)]
    source = builder.build({"y": builder.add(Mul(), *factors, name="y", provenance=ATTN)})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = cmsf.random_inputs(source, seed)
    expected = np.logical_and(*(inputs[name] != float(no) for name, no in zip("ab", negated, strict=True)))
    np.testing.assert_array_equal(interpret(lowered, inputs)["y"], expected.astype(np.float32))
    assert cmsf.added_by(lowered, "mask=and") == (5, 10)


def test_a_difference_before_a_linear_map_is_two_projections(cmsf: SimpleNamespace):
    def build(builder: GraphBuilder, a: str, b: str) -> str:
        value = builder.add(Subtract(), a, b, name="difference", provenance=ATTN)
        params = {"weight": builder.param("W", WEIGHT), "bias": builder.param("b", BIAS)}
        return builder.add(Linear(), value, name="fc", params=params, provenance=Provenance("net.fc"))

    source = _net(build)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20), ["y"])
    weights = [lowered.arrays(node)["weight"] for node in lowered.nodes.values() if node.op.kind == "linear"]
    np.testing.assert_array_equal(weights, [WEIGHT, -WEIGHT])
    assert cmsf.neurons_of(lowered) == ["y"]


def test_a_not_neuron_is_made_once_and_for_an_output(cmsf: SimpleNamespace):
    builder = GraphBuilder("shared", 2)
    x = builder.add(Input("spike[4x6]"), name="x")
    no = builder.add(Not(), x, name="no", provenance=ATTN)
    wide = builder.add(Expand((4, 6)), no, name="wide")
    totals = [builder.add(Lif(0.5), builder.add(Sum((axis,)), wide, name="sum"), name="y") for axis in (0, 1)]
    source = builder.build({"y": totals[0], "z": totals[1], "no": no})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 0))
