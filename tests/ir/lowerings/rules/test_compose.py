"""Poolings, means and factors in front of a projection become part of it: same spikes, no neuron more."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.analysis.resources import node_resources, resource_totals
from ir.graph import Array, Graph, GraphBuilder
from ir.ops import Conv, Input, Lif, Linear, Offset, Pad, Permute, Reshape, Scale, Sum
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

CHANNELS, SIZE = 2, 6
Layer = tuple[Op, dict[str, Array]]


def _dyadic(*shape: int) -> Array:
    return (np.random.default_rng(len(shape)).integers(-4, 9, shape) / 8).astype(np.float32)


def _pool(kernel: int, stride: int, padding: int = 0) -> Layer:
    """Average pooling of the input's channels; kernels of 2 and 4 keep the sums exact."""
    return _square(CHANNELS, kernel, stride, padding)


def _square(channels: int, kernel: int, stride: int, padding: int = 0) -> Layer:
    weight = np.full((channels, 1, kernel, kernel), 1 / kernel**2, np.float32)
    return Conv((stride,) * 2, (padding,) * 2, (1, 1), channels), {"weight": weight}


def _conv(kernel: int, stride: int, padding: int, dilation: int, groups: int = 1) -> Layer:
    params = {"weight": _dyadic(4, CHANNELS // groups, kernel, kernel), "bias": _dyadic(4)}
    return Conv((stride,) * 2, (padding,) * 2, (dilation,) * 2, groups), params


def _linear(inputs: int) -> Layer:
    return Linear(), {"weight": _dyadic(3, inputs), "bias": _dyadic(3)}


def _factors(*shape: int) -> Layer:
    return Scale(), {"weight": _dyadic(*shape)}


def _network(shape: str, layers: list[Layer]) -> Graph:
    """lif(layers(x)) of spikes x."""
    builder = GraphBuilder("chain", 3)
    value = builder.add(Input(f"spike[{shape}]"), name="x")
    for place, (op, params) in enumerate(layers):
        stored = {role: builder.param(f"{role}_{place}", array) for role, array in params.items()}
        value = builder.add(op, value, name=f"layer{place}", params=stored)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


IMAGE = f"{CHANNELS}x{SIZE}x{SIZE}"
CHAINS: dict[str, tuple[str, list[Layer]]] = {
    "pool, conv": (IMAGE, [_pool(2, 2), _conv(3, 1, 0, 1)]),
    "pool, padded conv": (IMAGE, [_pool(2, 2), _conv(3, 2, 1, 1)]),
    "pool, dilated conv": (IMAGE, [_pool(2, 2), _conv(2, 1, 0, 2)]),
    "overlapping padded pool, conv": (IMAGE, [_pool(4, 2, 1), _conv(2, 1, 0, 1)]),
    "pool that leaves pixels out, conv": (IMAGE, [_pool(4, 4), _conv(1, 1, 0, 1)]),
    "pool, flatten, linear": (IMAGE, [_pool(2, 2), (Reshape((18,)), {}), _linear(18)]),
    "conv, pool": (IMAGE, [_conv(3, 1, 1, 1), _square(4, 2, 2)]),
    "strided conv, overlapping pool": (IMAGE, [_conv(2, 2, 1, 1), _square(4, 2, 1)]),
    "pool, pool, flatten, linear": (IMAGE, [_pool(2, 1), _pool(2, 2), (Reshape((8,)), {}), _linear(8)]),
    "conv, pool, pool": (IMAGE, [_conv(3, 1, 1, 1), _square(4, 2, 2), _square(4, 2, 1)]),
    "mean over tokens, linear": ("4x5", [(Sum((0,), 0.25), {}), (Reshape((5,)), {}), _linear(5)]),
    "factor, linear": ("4x5", [(Scale(0.5), {}), _linear(5)]),
    "factor, conv": (IMAGE, [(Scale(-2.0), {}), _conv(3, 1, 1, 1, groups=2)]),
    "term, padded conv": (IMAGE, [(Offset(0.5), {}), _conv(3, 1, 1, 1)]),
    "factor, flatten, linear": ("4x5", [(Scale(0.5), {}), (Reshape((20,)), {}), _linear(20)]),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_same_spikes_and_no_neuron_more(cmsf: SimpleNamespace, chain: str):
    source = _network(*CHAINS[chain])
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert sum(resource_totals(node_resources(lowered)).neurons.values()) == source.nodes["y"].type.size


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([_pool(4, 2), _conv(3, 1, 1, 1)], id="padding between overlapping windows"),
        pytest.param([_pool(4, 4), _conv(3, 1, 1, 1)], id="padding where pixels were left out"),
        pytest.param([_pool(2, 2), _conv(3, 1, 0, 1, groups=2)], id="groups"),
        pytest.param([_conv(3, 1, 1, 1), _square(4, 2, 2, 1)], id="zeros around a conv"),
        pytest.param([_conv(3, 1, 0, 1), (Reshape((64,)), {}), _linear(64)], id="mixed features"),
    ],
)
@pytest.mark.parametrize("strategy", ["merge", "relay"])
def test_what_is_no_single_projection_is_a_chain(cmsf: SimpleNamespace, layers: list[Layer], strategy: str):
    source = _network(IMAGE, layers)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"chain": strategy})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert ("chain=" + strategy in str([node.provenance for node in lowered.nodes.values()])) == (strategy == "relay")


FACTORS: dict[str, tuple[str, list[Layer]]] = {
    "conv": (IMAGE, [_factors(2, 1, 1), _conv(3, 1, 1, 1)]),
    "conv in groups": (IMAGE, [_factors(2, 1, 1), _conv(3, 2, 1, 1, groups=2)]),
    "conv of moved channels": ("6x6x2", [_factors(2), (Permute((2, 0, 1)), {}), _conv(3, 1, 0, 1)]),
    "conv of padded spikes": (IMAGE, [_factors(2, 1, 1), (Pad(1, 1, 1), {}), _conv(3, 1, 0, 1)]),
    "conv beside silent channels": (
        IMAGE,
        [
            _factors(2, 1, 1),
            (Pad(0, 1, 1), {}),
            (Conv((1, 1), (0, 0), (1, 1)), {"weight": _dyadic(4, 4, 2, 2)}),
        ],
    ),
    "linear": ("7x6", [_factors(6), _linear(6)]),
    "linear of one token": ("6", [_factors(6), _linear(6)]),
    "linear of flat channels": (IMAGE, [_factors(2, 1, 1), (Reshape((72,)), {}), _linear(72)]),
    "a factor and a term": (IMAGE, [_factors(2, 1, 1), (Offset(0.25), {}), _conv(3, 1, 1, 1)]),
}


@pytest.mark.parametrize("case", FACTORS)
def test_factors_of_channels_go_to_the_columns(cmsf: SimpleNamespace, case: str):
    shape, layers = FACTORS[case]
    source = _network(shape, layers)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    last = source.nodes[source.nodes["y"].inputs[0]]
    (projection,) = [node for node in lowered.nodes.values() if node.op.family == "projection"]
    assert lowered.arrays(projection)["weight"].shape == source.arrays(last)["weight"].shape


@pytest.mark.parametrize("shape", [(6, 1), (6,), (2, 6, 1)])
def test_kernels_do_not_take_factors_of_pixels(cmsf: SimpleNamespace, shape: tuple[int, ...]):
    source = _network(IMAGE, [_factors(*shape), _conv(3, 1, 0, 1)])
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    assert [node.op.kind for node in lowered.nodes.values() if node.op.family == "projection"] == ["linear"]
