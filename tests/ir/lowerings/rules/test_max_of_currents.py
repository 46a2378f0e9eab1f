"""Maxima of currents: spike for spike those of the source with dyadic weights, at the cost that was said beforehand."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Add, Conv, Input, Lif, Linear, MaxPool, MaxRelay, Offset, Permute, Reshape, Scale
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

POOLS = {
    "2d": MaxPool((2, 2), (2, 2), (0, 0), (1, 1)),
    "overlapping": MaxPool((3, 3), (2, 2), (1, 1), (1, 1)),
    "1d": MaxPool((3,), (1,), (1,), (2,)),
    "cut short": MaxPool((4,), (4,), (0,), (1,), (2,)),
}
AROUND: dict[str, tuple[tuple[str, Op], ...]] = {
    "bias": (),
    "factors behind": (("factors", Scale()),),
    "constants of places": (("places", Offset()),),
    "negated": (("negated", Scale(-1.0)),),
}
STRATEGIES = ("chain", "tree")


def _dyadic(builder: GraphBuilder, name: str, shape: tuple[int, ...], seed: int = 0) -> str:
    random = np.random.default_rng([seed, *shape])
    return builder.param(name, (random.integers(-6, 9, shape) / 8).astype(np.float32))


def _pooled(pool: MaxPool, around: tuple[tuple[str, Op], ...] = ()) -> Graph:
    """A convolution with a bias, constants of places before the maximum, the maximum, factors behind it, neurons."""
    builder, axes = GraphBuilder("pooled", 3), len(pool.kernel)
    x = builder.add(Input("spike[2x6x6]" if axes == 2 else "spike[2x10]"), name="x")
    params = {"weight": _dyadic(builder, "w", (3, 2, *(3,) * axes)), "bias": _dyadic(builder, "b", (3,))}
    value = builder.add(Conv((1,) * axes, (1,) * axes, (1,) * axes), x, name="conv", params=params)
    for name, op in around:
        if isinstance(op, Offset):
            bias = {"bias": _dyadic(builder, name, builder.type(value).shape)}
            value = builder.add(op, value, name=name, params=bias)
    value = builder.add(pool, value, name="pool", provenance=Provenance("net.pool"))
    for name, op in around:
        if isinstance(op, Scale):
            weight = {} if op.factor != 1 else {"weight": _dyadic(builder, name, (3, *(1,) * axes), 1)}
            value = builder.add(op, value, name=name, params=weight)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


@pytest.mark.parametrize(("name", "around", "strategy"), product(POOLS, AROUND, STRATEGIES))
def test_it_is_the_maximum(cmsf: SimpleNamespace, name: str, around: str, strategy: str):
    source = _pooled(POOLS[name], AROUND[around])
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"analog-max-pool": strategy})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))


@pytest.mark.parametrize(("name", "strategy"), product(POOLS, STRATEGIES))
def test_costs_are_what_is_built(cmsf: SimpleNamespace, name: str, strategy: str):
    source = _pooled(POOLS[name])
    cost = cmsf.estimated(source, "pool", strategy)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"analog-max-pool": strategy})
    assert cmsf.added_by(lowered, f"analog-max-pool={strategy}") == (cost.neurons, cost.synapses)


def test_nine_taps_are_8_relays_and_25_synapses_beside_a_relay_per_input(cmsf: SimpleNamespace):
    source = _pooled(MaxPool((3, 3), (3, 3), (0, 0), (1, 1)))
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    outputs = 3 * 2 * 2
    assert cmsf.added_by(lowered, "analog-max-pool=chain") == (3 * 36 + 8 * outputs, 25 * outputs)


def test_a_channel_s_bias_moves_behind_and_that_of_a_place_stays(cmsf: SimpleNamespace):
    for around, biased in (("bias", ["y"]), ("constants of places", ["pool_relay"])):
        lowered = lower_to_synapses(_pooled(POOLS["2d"], AROUND[around]), cmsf.LOIHI2, {})
        assert [node.name for node in lowered.nodes.values() if node.param("bias")] == biased


def test_in_the_source_s_arithmetic_one_neuron_takes_the_largest_on_any_chip(cmsf: SimpleNamespace):
    source = _pooled(POOLS["overlapping"])
    weight = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)
    source = Graph(
        source.name, source.steps, source.nodes, source.outputs, {**source.params, "w": weight}, source.dtype
    )
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {}, rounds=False)
    assert [node.name for node in lowered.nodes.values() if isinstance(node.op, MaxRelay)] == ["pool_largest"]
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))


def _maximum_of(value: str) -> Graph:
    """Neurons behind the maximum of something else than a convolution's current."""
    builder = GraphBuilder("pooled", 2)
    x = builder.add(Input("spike[4x8]"), name="x")
    params = {"weight": _dyadic(builder, "w", (8, 8))}
    current = builder.add(Linear(), x, name="fc", params=params)
    if value == "rows":
        current = builder.add(Reshape((2, 16)), builder.add(Permute((1, 0)), current, name="turned"), name="rows")
    if value == "sum":
        current = builder.add(Add(), current, x, name="sum")
    if value == "maximum":
        current = builder.add(MaxPool((3,), (1,), (1,), (1,)), current, name="first")
    pool = builder.add(MaxPool((2,), (2,), (0,), (1,)), current, name="pool")
    if value == "payload":
        pool = builder.add(Linear(), pool, name="next", params={"weight": _dyadic(builder, "v", (3, 4))})
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), pool, name="y")})


@pytest.mark.parametrize("value", ["rows", "sum", "maximum", "payload"])
def test_of_any_current_and_read_by_whatever_reads_currents(cmsf: SimpleNamespace, value: str):
    source = _maximum_of(value)
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI2, {}), cmsf.random_inputs(source, 1, samples=20))


def test_chips_without_payloads_refuse_with_the_ways_out(cmsf: SimpleNamespace):
    with pytest.raises(DeployError, match="needs graded spikes, programmable neurons") as error:
        lower_to_synapses(_pooled(POOLS["2d"]), cmsf.LOIHI1, {})
    (violation,) = error.value.violations
    assert (violation.rule, violation.where.startswith("net.pool")) == ("lower.analog-max-pool", True)
    for way in ("behind the neurons", "average pooling", "profile with graded spikes", "--precision float"):
        assert way in violation.hint
