"""Factors end up in weights, terms in biases; no neuron and no synapse more."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.analysis.resources import node_resources, resource_totals
from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder
from ir.ops import Conv, Gather, Input, Lif, Linear, Offset, Pad, Permute, Reshape, Scale, Sum, Synapse
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

WEIGHT = (np.random.default_rng(0).integers(-4, 5, (3, 4)) / 4).astype(np.float32)
BIAS = np.array([0.5, -0.25, 1.0], np.float32)


def _scaled(projection: Op, params: dict[str, np.ndarray], op: Op, constants: dict[str, np.ndarray]) -> Graph:
    """lif(op(projection(x)))."""
    builder = GraphBuilder("scaled", 3)
    x = builder.add(Input("spike[2x4]"), name="x")
    stored = {role: builder.param(role, array) for role, array in params.items()}
    value = builder.add(projection, x, name="projection", params=stored)
    own = {role: builder.param(f"own_{role}", array) for role, array in constants.items()}
    value = builder.add(op, value, name="op", params=own)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.25), value, name="y")})


@pytest.mark.parametrize(
    ("projection", "params"),
    [(Linear(), {"weight": WEIGHT, "bias": BIAS}), (Sum((0,), weight=2.0), {}), (Synapse(weight=0.5), {})],
)
@pytest.mark.parametrize(
    ("op", "constants"),
    [
        (Scale(0.125), {}),
        (Scale(-2.0), {}),
        (Scale(), {"weight": np.full((1, 1), 0.5, np.float32)}),
        (Offset(0.75), {}),
        (Offset(), {"bias": np.array([[0.5], [-0.25]], np.float32)}),
    ],
)
def test_exact_and_free(
    cmsf: SimpleNamespace,
    projection: Op,
    params: dict[str, np.ndarray],
    op: Op,
    constants: dict[str, np.ndarray],
):
    source = _scaled(projection, params, op, constants)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    counted = resource_totals(node_resources(lowered))
    assert sum(counted.neurons.values()) == source.nodes["y"].type.size
    assert counted.synapses["own"] == sum(counted.synapses.values())


def test_a_value_without_axes_has_a_bias_without_axes(cmsf: SimpleNamespace):
    builder = GraphBuilder("scalar", 3)
    scaled = builder.add(Scale(2.0), builder.add(Input("spike[]"), name="x"), name="scaled")
    y = builder.add(Lif(0.5, threshold=0.5), builder.add(Offset(-0.75), scaled, name="offset"), name="y")
    source = builder.build({"y": y})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20), ["y"])
    assert lowered.arrays(lowered.nodes["y"])["bias"].shape == ()


def test_spikes_carry_a_factor_over_unit_synapses(cmsf: SimpleNamespace):
    builder = GraphBuilder("direct", 2)
    x = builder.add(Input("spike[4]"), name="x")
    source = builder.build({"y": builder.add(Lif(0.5), builder.add(Scale(1.5), x, name="s"), name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert lowered.nodes["s_in"].op == Synapse(weight=1.5)


@pytest.mark.parametrize(
    "factors", [np.array([1, 2, -0.5], np.float32), np.array([[1, 2, 3], [0.5, 0.25, 2]], np.float32)]
)
@pytest.mark.parametrize("kind", ["linear", "conv", "spikes", "spikes behind routing"])
def test_a_factor_per_element(cmsf: SimpleNamespace, factors: np.ndarray, kind: str):
    builder = GraphBuilder("elements", 3)
    x = builder.add(Input("spike[2x3]" if "spikes" in kind else "spike[2x4]"), name="x")
    if kind == "linear":
        x = builder.add(
            Linear(), x, name="w", params={"weight": builder.param("w", WEIGHT), "bias": builder.param("b", BIAS)}
        )
    if kind == "conv":
        x = builder.add(
            Conv((1,), (0,), (1,)),
            x,
            name="w",
            params={"weight": builder.param("w", WEIGHT[None, :2, :2].repeat(2, 0))},
        )
    if "routing" in kind:
        x = builder.add(Permute((1, 0)), builder.add(Reshape((3, 2)), x, name="r"), name="p")
    y = builder.add(Scale(), x, name="op", params={"weight": builder.param("own", factors)})
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.25), y, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert sum(resource_totals(node_resources(lowered)).neurons.values()) == 6


ROWS = np.array([2.0, -0.5, 1.0], np.float32)
WIDE = (np.random.default_rng(1).integers(-4, 5, (3, 3, 1, 2)) / 4).astype(np.float32)
CASES: dict[str, tuple[list[tuple[Op, dict[str, np.ndarray]]], str, int]] = {
    "spikes by channel": ([(Scale(), {"weight": ROWS[:, None, None]})], "conv", 24),
    "spikes by column": ([(Scale(), {"weight": np.resize(ROWS, (1, 1, 4))})], "conv", 24),
    "spikes by element": ([(Scale(), {"weight": np.arange(24, dtype=np.float32).reshape(3, 2, 4) / 4})], "conv", 24),
    "sums by channel": ([(Sum((1, 2), weight=0.5), {}), (Scale(), {"weight": ROWS[:, None, None]})], "conv", 24),
    "sums by column": ([(Sum((0,)), {}), (Scale(), {"weight": np.resize(ROWS, 4)})], "conv", 24),
    "sums by element": ([(Sum((0,)), {}), (Scale(), {"weight": np.resize(ROWS, (1, 2, 4))})], "linear", 24 * 8),
    "kernels of moved channels": (
        [
            (Conv((1, 1), (0, 0), (1, 1)), {"weight": WIDE}),
            (Permute((1, 0, 2)), {}),
            (Pad(2, 1, 0), {}),
            (Scale(), {"weight": ROWS[:, None]}),
        ],
        "conv",
        3 * 2 * 3 * 6,
    ),
    "kernels of repeated channels": (
        [
            (Conv((1, 1), (0, 0), (1, 1)), {"weight": WIDE}),
            (Gather(0, (2, -1, 2, 1)), {}),
            (Scale(), {"weight": ROWS[[1, 0, 1, 2], None, None]}),
        ],
        "conv",
        3 * 2 * 3 * 6,
    ),
    "kernels of channels that come to differ": (
        [
            (Conv((1, 1), (0, 0), (1, 1)), {"weight": WIDE}),
            (Gather(0, (2, 2)), {}),
            (Scale(), {"weight": ROWS[:2, None, None]}),
        ],
        "linear",
        24 * 12,
    ),
}
"""What lies between spikes of (3, 2, 4) and neurons, and the projection and the synapses that it becomes."""


@pytest.mark.parametrize("case", CASES)
def test_factors_of_features_take_no_more_synapses(cmsf: SimpleNamespace, case: str):
    layers, kind, synapses = CASES[case]
    builder = GraphBuilder("features", 3)
    value = builder.add(Input("spike[3x2x4]"), name="x")
    for place, (op, arrays) in enumerate(layers):
        params = {role: builder.param(f"{role}{place}", array) for role, array in arrays.items()}
        value = builder.add(op, value, name=f"layer{place}", params=params)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.25), value, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert [node.op.kind for node in lowered.nodes.values() if node.op.family == "projection"] == [kind]
    assert sum(resource_totals(node_resources(lowered)).synapses.values()) == synapses


def test_a_matrix_of_too_many_weights_is_refused(cmsf: SimpleNamespace):
    builder = GraphBuilder("large", 1)
    x = builder.add(Input("spike[1x80x80]"), name="x")
    kernel = builder.param("w", np.ones((1, 1, 3, 3), np.float32))
    current = builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name="conv", params={"weight": kernel})
    factors = builder.param("f", np.arange(6400, dtype=np.float32).reshape(80, 80))
    scaled = builder.add(Scale(), current, name="scaled", params={"weight": factors})
    source = builder.build({"y": builder.add(Lif(0.5), scaled, name="y")})
    with pytest.raises(DeployError, match=r"%scaled: has factors for single elements.*33,554,432 weights") as error:
        lower_to_synapses(source, cmsf.LOIHI1, {})
    assert [violation.rule for violation in error.value.violations] == ["lower.scale"]
