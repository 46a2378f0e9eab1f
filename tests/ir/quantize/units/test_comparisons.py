"""Integer maxima are the maxima of the integers: one unit for all payloads that are compared, and proven room for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.analysis.ranges import emitted_magnitude, magnitudes
from ir.errors import DeployError
from ir.graph import Array, Graph, GraphBuilder, Node
from ir.interpreter import interpret
from ir.ops import Add, Conv, Graded, Input, Lif, Linear, MaxPool, Scale, Synapse
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.quantize.network import quantize

PROFILE = hw_profiles.load("loihi2")
POOL = MaxPool((3, 3), (2, 2), (1, 1), (1, 1))


def _pooled(weight: Array, neuron: Lif, gains: Array | None = None, domain: str = "spike") -> Graph:
    """A convolution, the maximum of its currents, factors, neurons; lowered."""
    builder, channels = GraphBuilder("pooled", 4), weight.shape[1]
    x = builder.add(Input(f"{domain}[{channels}x6x6]"), name="x")
    params = {"weight": builder.param("w", weight.astype(np.float32))}
    current = builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name="conv", params=params)
    current = builder.add(POOL, current, name="pool")
    if gains is not None:
        params = {"weight": builder.param("gains", gains.astype(np.float32).reshape(-1, 1, 1))}
        current = builder.add(Scale(), current, name="factors", params=params)
    graph = builder.build({"y": builder.add(neuron, current, name="y")})
    return lower_to_synapses(graph, PROFILE.features, {})


def _spikes(channels: int, samples: int = 10) -> dict[str, Array]:
    return {"x": np.random.default_rng(1).integers(0, 2, (4, samples, channels, 6, 6)).astype(np.float32)}


def _trained(channels: int, spread: float = 1.0) -> Array:
    """Weights like trained ones, whose output channels have different ranges."""
    random = np.random.default_rng(2)
    return 4 * random.normal(size=(5, channels, 3, 3)) * spread ** np.arange(5).reshape(-1, 1, 1, 1) / channels


NEURONS = {
    "tau 2": Lif(0.5),
    "tau 2 of the sum": Lif(0.5, form="sum"),
    "without leak": Lif(0.0, form="sum", reset="subtract"),
    "strict": Lif(0.1, form="sum", threshold=0.7, comparator=">"),
}


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("gains", [None, np.array([1.0, -1.0, 1.0, 1.0, -1.0]), np.array([0.3, 1.0, -0.7, 2.0, 1.1])])
def test_the_maximum_is_that_of_the_rounded_weights(neuron: str, gains: Array | None):
    chip, spikes = _pooled(_trained(4, 0.4), NEURONS[neuron], gains), _spikes(4)
    integer, _ = quantize(chip, PROFILE.arithmetic, spikes)
    seen = _seen(integer, spikes)
    largest, lif = POOL.run((seen["conv"],), {}, 4).astype(np.int64), integer.nodes["y"]
    expected = lif.op.run((largest * _reading(integer),), integer.arrays(lif), 4)
    np.testing.assert_array_equal(seen["y"], expected)
    assert 0.02 < expected.mean() < 0.9


def _seen(integer: Graph, spikes: dict[str, Array]) -> dict[str, Array]:
    seen: dict[str, Array] = {}
    whole = {name: array.astype(np.int64) for name, array in spikes.items()}
    interpret(integer, whole, lambda node, value: seen.update({node.name: value}))
    return seen


def _reading(integer: Graph) -> Array:
    """The weights by which the neurons read both payloads of the maximum: of every channel, or one for all."""
    (reader, again) = (node for node in integer.nodes.values() if _reads_the_maximum(integer, node))
    weights = [
        integer.arrays(node).get("weight", np.array(node.op.attributes().get("weight"))) for node in (reader, again)
    ]
    np.testing.assert_array_equal(*weights)
    return weights[0].reshape(5, -1)[:, 0].reshape(5, 1, 1) if weights[0].ndim else weights[0]


def _reads_the_maximum(integer: Graph, node: Node) -> bool:
    return node.op.family == "projection" and node.name.startswith(("pool_out", "factors"))


def test_dyadic_weights_stay_exact_ties_and_all():
    weight = np.random.default_rng(3).integers(-6, 7, (5, 3, 3, 3)) / 8
    chip, spikes = _pooled(weight, Lif(0.5, threshold=0.5)), _spikes(3)
    integer, report = quantize(chip, PROFILE.arithmetic, spikes)
    expected = interpret(chip, spikes)["y"]
    np.testing.assert_array_equal(_seen(integer, spikes)["y"], expected)
    assert all(layer.exact for layer in report.layers)
    assert 0.1 < expected.mean() < 0.9


@pytest.mark.parametrize("neuron", ["tau 2", "tau 2 of the sum", "without leak"])
def test_the_threshold_is_a_whole_number_of_the_unit(neuron: str):
    integer, report = quantize(_pooled(_trained(4), NEURONS[neuron]), PROFILE.arithmetic, _spikes(4))
    (relay,) = (layer for layer in report.layers if layer.name == "pool_relay")
    (fires,) = (layer for layer in report.layers if layer.name == "y")
    assert relay.weight_error > 0
    wanted = 2.0 if neuron == "tau 2" else 1.0  # the chip's membrane is not halved, its threshold is doubled
    assert relay.unit * fires.threshold / _reading(integer) == pytest.approx(wanted, rel=1e-12)


def test_payloads_have_bits_for_all_that_weights_allow():
    chip, spikes = _pooled(_trained(4), Lif(0.5)), _spikes(4)
    integer, _ = quantize(chip, PROFILE.arithmetic, {"x": spikes["x"][:, :1] * 0 + (np.arange(6) == 2)})
    (weight,) = (
        integer.arrays(node)["weight"].astype(np.int64) for node in integer.nodes.values() if node.name == "conv"
    )
    most = int(np.abs(weight).reshape(5, -1).sum(axis=1).max())
    relay, *differences = (node.op for node in integer.nodes.values() if isinstance(node.op, Graded))
    assert 2 ** (relay.bits - 2) <= most < 2 ** (relay.bits - 1)
    assert {op.bits for op in differences} == {relay.bits + 1}
    assert {(op.shift, op.form) for op in differences} == {(0, "rectified")}
    assert max(magnitudes(integer).values()) < 1 << 24  # float32 is exact


def _constant(channels: int, places: int, domain: str = "spike") -> Graph:
    """Weights between 0.9 and 1, on no grid."""
    weight = np.linspace(0.9, 1.0, channels * 9).reshape(1, channels, 3, 3)
    return _pooled(weight, Lif(0.5, threshold=float(places)), domain=domain)


@pytest.mark.parametrize(
    ("channels", "limit", "bits"), [(100, "weights", 8), (150, "range", 8), (450, "range", 7), (1200, "range", 5)]
)
def test_what_could_wrap_has_coarser_weights(channels: int, limit: str, bits: int):
    """9 weights per channel of 0.95 on average: 127 units each are 131,071 in all from 121 channels on."""
    spikes = {"x": np.ones((4, 1, channels, 6, 6), np.float32)}
    chip = _constant(channels, 2 * channels)
    integer, report = quantize(chip, PROFILE.arithmetic, spikes)
    (relay,) = (layer for layer in report.layers if layer.name == "pool_relay")
    assert (relay.limit, relay.bits) == (limit, bits)
    assert relay.proven <= 131_071
    assert relay.proven > 131_071 * 0.9 or limit == "weights"
    whole = {name: array.astype(np.int64) for name, array in spikes.items()}
    np.testing.assert_array_equal(interpret(integer, whole)["y"], interpret(chip, spikes)["y"])


def test_what_may_wrap_is_refused_with_the_number():
    spikes = {"x": np.zeros((4, 1, 2200, 6, 6), np.float32)}
    with pytest.raises(DeployError) as error:
        quantize(_constant(2200, 300), PROFILE.arithmetic, spikes)
    (violation,) = error.value.violations
    # 19,800 weights of 0.95 on average, at most 7 units each, half a unit each for rounding, and one
    assert "%pool_relay: sums that are compared can differ by 141,571 weight units, limit 131,071" in violation.what
    assert (violation.rule, "--precision float" in violation.hint) == ("quantize.maximum", True)


def _residual(channels: int) -> Graph:
    """One kernel on spikes, on counts and on payloads, as a residual stream has them, and the maximum of their sum."""
    builder = GraphBuilder("residual", 4)
    weight = builder.param("w", _trained(channels).astype(np.float32))
    currents: list[str] = []
    for domain in ("spike", "count<2>", "graded<24>"):
        x = builder.add(Input(f"{domain}[{channels}x6x6]"), name=domain[:5])
        currents.append(
            builder.add(Conv((1, 1), (1, 1), (1, 1)), x, name=f"conv_{domain[:5]}", params={"weight": weight})
        )
    current = builder.add(POOL, builder.add(Add(), *currents, name="sum"), name="pool")
    graph = builder.build({"y": builder.add(Lif(0.5), current, name="y")})
    return lower_to_synapses(graph, PROFILE.features, {})


def test_only_payloads_count_twice_and_they_get_coarser_with_their_reader():
    """Spikes and counts are not below zero; a payload's unit is shared out anew where the current's is coarse."""
    channels, random = 400, np.random.default_rng(5)
    spikes = {"spike": _spikes(channels, 1)["x"], "count": 2 * _spikes(channels, 1)["x"]}
    chip, spikes = _residual(channels), {**spikes, "grade": random.random((4, 1, channels, 6, 6)).astype(np.float32)}
    integer, report = quantize(chip, PROFILE.arithmetic, spikes)
    (relay,) = (layer for layer in report.layers if layer.name == "pool_relay")
    assert relay.limit == "range"
    reach = {name: emitted_magnitude(integer.nodes[name].type) for name in spikes}
    rows = {name: _rows(integer, f"conv_{name}") for name in reach}
    furthest = rows["spike"] + 2 * rows["count"] + 2 * reach["grade"] * rows["grade"]
    assert 0.6 * 131_071 < furthest <= 131_071
    assert min(reach["grade"], np.abs(_weight(integer, "conv_grade")).max()) > 3, "both have levels"


def test_payloads_of_exact_weights_get_coarser_too_where_sums_of_them_are_compared():
    """A residual stream's relay: spikes, and 3/128 of a count of 64, which 90 weights on no grid read; kept as it is, it is refused."""
    builder, random = GraphBuilder("stream", 4), np.random.default_rng(5)
    shapes = {"spike": "spike[10x6x6]", "count": "count<64>[10x6x6]"}
    x = {name: builder.add(Input(text), name=name) for name, text in shapes.items()}
    terms = [
        builder.add(Synapse(weight), x[name], name=f"{name}_in")
        for name, weight in (("spike", 1.0), ("count", 3 / 128))
    ]
    stream = builder.add(Graded(24), *terms, name="stream")
    params = {"weight": builder.param("w", _trained(10).astype(np.float32))}
    current = builder.add(Conv((1, 1), (1, 1), (1, 1)), stream, name="conv", params=params)
    graph = builder.build({"y": builder.add(Lif(0.5), builder.add(POOL, current, name="pool"), name="y")})
    chip = lower_to_synapses(graph, PROFILE.features, {})
    inputs = {
        name: random.integers(0, top + 1, (4, 2, 10, 6, 6)).astype(np.float32)
        for name, top in (("spike", 1), ("count", 64))
    }
    integer, _ = quantize(chip, PROFILE.arithmetic, inputs)
    op = integer.nodes["stream"].op
    assert isinstance(op, Graded)
    assert op.shift > 0
    whole = {name: array.astype(np.int64) for name, array in inputs.items()}
    assert np.mean(interpret(integer, whole)["y"] != interpret(chip, inputs)["y"]) < 0.02


def _weight(integer: Graph, name: str) -> Array:
    return integer.arrays(integer.nodes[name])["weight"].astype(np.int64)


def _rows(integer: Graph, name: str) -> int:
    return int(np.abs(_weight(integer, name)).reshape(5, -1).sum(axis=1).max())


def test_payloads_of_few_bits_are_a_limit_too():
    chip, spikes = _pooled(_trained(8), Lif(0.5)), _spikes(8)
    with pytest.raises(DeployError, match="limit 127"):
        quantize(chip, replace(PROFILE.arithmetic, payload_bits=8), spikes)


def test_sums_of_different_weights_may_differ_by_twice_as_much():
    builder = GraphBuilder("rows", 2)
    weight = np.random.default_rng(0).uniform(0.9, 1.0, (8, 12000)).astype(np.float32)
    current = builder.add(
        Linear(),
        builder.add(Input("spike[1x12000]"), name="x"),
        name="fc",
        params={"weight": builder.param("w", weight)},
    )
    pool = builder.add(MaxPool((2,), (2,), (0,), (1,)), current, name="pool")
    graph = builder.build({"y": builder.add(Lif(0.5, threshold=200.0), pool, name="y")})
    lowered = lower_to_synapses(graph, PROFILE.features, {})
    with pytest.raises(DeployError, match=r"can differ by 17[0-9],[0-9]{3} weight units"):
        quantize(lowered, PROFILE.arithmetic, {"x": np.zeros((2, 1, 1, 12000), np.float32)})
