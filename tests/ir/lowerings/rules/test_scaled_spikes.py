"""Spikes times a constant are spikes to products and maxima, and the constant comes back behind them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.scaled_spikes import spiking_factor
from ir.lowerings.table import LOWERINGS, operation
from ir.ops import Add, Input, Lif, Linear, MatMul, MaxPool, Mul, Offset, Permute, Reshape, Scale
from ir.passes.lower_to_synapses import lower_to_synapses


def scaled_pair(left: float, right: float, *, turned: bool = False) -> tuple[GraphBuilder, str, str]:
    """(a + b) times a number, and c times another, 4 x 4."""
    b = GraphBuilder("scaled", 2)
    x, y, z = (b.add(Input("spike[4x4]"), name=name) for name in "abc")
    first = b.add(Scale(left), b.add(Add(), x, y, name="sum"), name="first")
    second = b.add(Scale(right), z, name="second")
    if turned:
        first = b.add(Permute((1, 0)), b.add(Reshape((4, 4)), first, name="rows"), name="turned")
    return b, first, second


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("op", [MatMul(), Mul()])
@pytest.mark.parametrize(("left", "right"), [(0.25, 1.0), (0.5, -0.5), (1.0, 0.125)])
def test_products(cmsf: SimpleNamespace, op: MatMul | Mul, left: float, right: float, turned: bool):
    b, first, second = scaled_pair(left, right, turned=turned)
    source = b.build({"y": b.add(Lif(0.5, threshold=0.25), b.add(op, first, second, name="p"), name="y")})
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), cmsf.random_inputs(source, 3, samples=20))


def pooled(factor: float) -> Graph:
    b = GraphBuilder("pooled", 2)
    a, c = (b.add(Input("spike[2x4x4]"), name=name) for name in "ac")
    scaled = b.add(Scale(factor), b.add(Add(), a, c, name="sum"), name="scaled")
    pool = b.add(MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), scaled, name="pool")
    return b.build({"y": b.add(Lif(0.5, threshold=0.5), pool, name="y")})


def test_maxima_of_a_scaled_count_are_ors(cmsf: SimpleNamespace):
    source = pooled(0.5)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 4, samples=20))
    assert cmsf.added_by(lowered, "max-pool=or")[0] == 2 * 32 + 2 * 8


def test_a_payload_that_scaled_spikes_open(cmsf: SimpleNamespace):
    b = GraphBuilder("gate", 2)
    x, s = b.add(Input("spike[4]"), name="x"), b.add(Input("spike[4]"), name="s")
    weight = {"weight": b.param("w", (np.arange(16).reshape(4, 4) / 8 - 1).astype(np.float32))}
    current = b.add(Linear(), x, name="l", params=weight)
    gate = b.add(Mul(), b.add(Scale(0.5), s, name="half"), current, name="gate")
    source = b.build({"y": b.add(Lif(0.5, threshold=0.125), gate, name="y")})
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI2, {}), cmsf.random_inputs(source, 5, samples=20))


def test_what_has_no_single_factor():
    b = GraphBuilder("values", 1)
    a, c = (b.add(Input("spike[3]"), name=name) for name in "ac")
    payload = b.add(Input("graded<8>[3]"), name="p")
    half = b.add(Scale(0.5), a, name="half")
    cases = {
        b.add(Add(), half, c, name="differ"): None,
        b.add(Add(), half, b.add(Scale(0.5), c, name="too"), name="alike"): 0.5,
        b.add(Offset(1.0), half, name="offset"): None,
        b.add(Scale(2.0), payload, name="payload"): None,
        b.add(Scale(3.0), half, name="thrice"): 1.5,
        a: 1.0,
    }
    graph = b.build({name: name for name in cases})
    lowering = Lowering(graph)
    for node in graph.nodes.values():
        row = operation(lowering, node)
        assert row is not None
        (only,) = LOWERINGS[row].values()
        lowering.values[node.name] = only.rule(lowering, node, node.provenance)
    assert {name: spiking_factor(lowering, lowering.values[name]) for name in cases} == cases
