"""Whole networks as integers: lossless where the floats lie on a grid, close elsewhere, always inside the chip's fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hw_profiles
from backends.event_driven.eight_bits import fits
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Burst, Concat, Expand, Gate, Graded, Input, Lif, Linear, Reshape, Slice, Sum, Synapse
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.quantize.calibration import observe
from ir.quantize.network import quantize, quantize_calibrated
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
ARITHMETIC = LOIHI2.arithmetic
N, D, SAMPLES = 3, 8, 40


class Network:
    """A float chip network; `dyadic` weights are small multiples of 1/8, others like trained ones."""

    def __init__(self, seed: int, dyadic: bool, steps: int) -> None:
        self.rng, self.dyadic, self.steps = np.random.default_rng(seed), dyadic, steps
        self.builder = GraphBuilder("net", steps)
        self.spikes = [self.builder.add(Input(f"spike[{N}x{D}]"), name="x")]
        analog = self.builder.add(Input(f"graded<24>[{N}x{D}]"), name="a")
        self.spikes.append(self.builder.add(Lif(0.5), self.builder.add(Synapse(), analog, name="code"), name="coder"))

    def weight(self, rows: int = D) -> str:
        if self.dyadic:
            return self.builder.param("w", self.rng.integers(-6, 9, (rows, D)).astype(np.float32) / 8)
        return self.builder.param("w", self.rng.normal(0.1, 0.5, (rows, D)).astype(np.float32))

    def linear(self, source: str, weight: str) -> str:
        return self.builder.add(Linear(), source, name="lin", params={"weight": weight})

    def bias(self) -> dict[str, str]:
        values = self.rng.integers(-4, 5, D) / 8 if self.dyadic else self.rng.normal(0.1, 0.2, D)
        return {"bias": self.builder.param("b", values.astype(np.float32))}

    def lif(self, *currents: str) -> str:
        comparator, decay = str(self.rng.choice([">=", ">"])), float(self.rng.choice([0.5, 1.0]))
        op = Lif(decay, threshold=float(self.rng.choice([0.5, 1.0])), comparator=comparator)
        self.spikes.append(self.builder.add(op, *currents, name="lif", params=self.bias()))
        return self.spikes[-1]

    def pick(self) -> str:
        return self.spikes[self.rng.integers(len(self.spikes))]

    def attention(self) -> None:
        b = self.builder
        wide = []
        for source, shape in ((self.pick(), (N, 1, D)), (self.pick(), (1, N, D)), (self.pick(), (1, N, D))):
            wide.append(b.add(Expand((N, N, D)), b.add(Reshape(shape), source, name="lone"), name="wide"))
        gates = b.add(
            Lif(1.0, form="sum", threshold=2.0), *(b.add(Synapse(), w, name="s") for w in wide[:2]), name="and"
        )
        score = b.add(Graded(24), b.add(Sum((2,)), gates, name="count"), name="score")
        again = b.add(Synapse(), b.add(Expand((N, N, D)), score, name="wide"), name="s")
        opened = b.add(Gate(24), again, b.add(Synapse(), wide[2], name="s"), name="gate")
        mixed = b.add(Reshape((N, D)), b.add(Sum((1,), weight=0.125), opened, name="mix"), name="flat")
        self.spikes.append(b.add(Lif(0.5, threshold=0.5), mixed, name="attn"))

    def payload(self) -> None:
        gate = self.builder.add(
            Gate(24),
            self.linear(self.pick(), self.weight()),
            self.builder.add(Synapse(), self.pick(), name="open"),
            name="analog",
            params=self.bias(),
        )
        self.lif(self.linear(gate, self.weight()))

    def build(self) -> Graph:
        """The network with every population an output, so that none is dropped."""
        return self.builder.build({f"y{place}": name for place, name in enumerate(self.spikes[1:])})

    def inputs(self) -> dict[str, np.ndarray]:
        spikes = (self.rng.random((self.steps, SAMPLES, N, D)) < 0.4).astype(np.float32)
        analog = self.rng.normal(0.8, 1.5, (self.steps, SAMPLES, N, D)).astype(np.float32)
        return {"x": spikes, "a": np.round(analog * 8) / 8 if self.dyadic else analog}


def random_network(seed: int, dyadic: bool, steps: int, motifs: tuple[str, ...]) -> tuple[Graph, dict[str, np.ndarray]]:
    net = Network(seed, dyadic, steps)
    for motif in motifs:
        if motif == "lif":
            net.lif(net.linear(net.pick(), net.weight()))
        elif motif == "residual":
            weight = net.weight()
            net.lif(*(net.linear(net.pick(), weight) for _ in range(3)))
        else:
            getattr(net, motif)()
    return net.build(), net.inputs()


NETWORKS = st.tuples(
    st.integers(0, 10**6),
    st.booleans(),
    st.integers(1, 6),
    st.lists(st.sampled_from(["lif", "residual", "attention", "payload"]), min_size=1, max_size=4).map(tuple),
)


def integers(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Inputs as the host hands them over: rounded, and saturated to the payload's bits."""
    wide = {}
    for node in graph.inputs:
        top = 1 << (max(2, node.type.domain.bound) - 1)
        wide[node.name] = np.clip(np.rint(inputs[node.name] / node.type.scale), -top, top - 1).astype(np.int64)
    return wide


def emitted(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}

    def watch(node, value):
        if node.op.family == "neuron":
            values[node.name] = np.asarray(value)

    interpret(graph, inputs, watch)
    return values


@pytest.mark.slow
@settings(max_examples=60)
@given(NETWORKS)
def test_every_number_fits_its_field(case):
    graph, inputs = random_network(*case)
    chip, report = quantize(graph, ARITHMETIC, inputs)
    verify(chip, "quantized")
    for node in chip.nodes.values():
        arrays = chip.arrays(node)
        if node.op.family == "projection":
            weight = np.asarray(arrays.get("weight", getattr(node.op, "weight", 0)))
            assert weight.dtype.kind == "i"
            assert fits(weight.reshape(len(weight), -1) if weight.ndim else weight.reshape(1, 1))
        if node.op.kind == "integer_lif":
            assert 0 <= node.op.vth << node.op.shift < 1 << 23
            assert np.abs(arrays.get("bias", np.zeros(1, np.int32))).max() <= 4095 << 7
    assert [layer.name for layer in report.layers] == [n.name for n in chip.nodes.values() if n.op.family == "neuron"]
    built_in, _ = quantize(graph, ARITHMETIC, inputs, replace(LOIHI2.features, programmable_neurons=False))
    thresholds = [each.op.vth << each.op.shift for each in built_in.nodes.values() if each.op.kind == "integer_lif"]
    assert not any(threshold % 64 for threshold in thresholds), "the chip's own neurons have whole ones"
    assert all(2 * layer.seen <= layer.room + 2 for layer in report.layers)


@pytest.mark.slow
@settings(max_examples=60)
@given(NETWORKS.filter(lambda case: "payload" not in case[3]))
def test_networks_on_a_grid_lose_nothing(case):
    graph, inputs = random_network(case[0], True, *case[2:])
    chip, report = quantize(graph, ARITHMETIC, inputs)
    source = emitted(graph, {name: array.astype(np.float64) for name, array in inputs.items()})
    found = emitted(chip, integers(chip, inputs))
    for layer in report.layers:
        assert layer.exact, layer
        assert np.array_equal(source[layer.name], found[layer.name] * report.scales[layer.name]), layer.name


@settings(max_examples=40)
@given(NETWORKS)
def test_trained_networks_agree_nearly_everywhere(case):
    graph, inputs = random_network(case[0], False, *case[2:])
    chip, _ = quantize(graph, ARITHMETIC, inputs)
    source, found = emitted(graph, inputs), emitted(chip, integers(chip, inputs))
    for name, values in source.items():
        assert np.mean((values != 0) == (found[name] != 0)) > 0.9, name


def test_a_single_trained_layer_agrees_on_more_than_99_percent():
    shares = []
    for seed in range(20):
        graph, inputs = random_network(seed, False, 2, ("lif",))
        chip, _ = quantize(graph, ARITHMETIC, inputs)
        shares.append(np.mean(emitted(graph, inputs)["lif"] == emitted(chip, integers(chip, inputs))["lif"]))
    assert np.mean(shares) > 0.99


def test_the_attention_neuron_keeps_counts_and_fires_at_eight():
    graph, inputs = random_network(1, False, 2, ("attention",))
    chip, _ = quantize(graph, ARITHMETIC, inputs)
    op = chip.nodes["attn"].op
    assert (op.vth, op.dv, chip.arrays(chip.nodes["attn"])["bias"].tolist()) == (8, 2048, [1])
    assert (chip.nodes["mix"].op.weight, chip.nodes["and"].op.vth, chip.nodes["and"].op.dv) == (1, 1, 4095)
    assert (chip.nodes["gate"].op.shift, chip.nodes["score"].op.shift) == (0, 0)


def test_unseen_inputs_up_to_the_payloads_bits_do_not_wrap():
    graph, inputs = random_network(2, False, 2, ())
    chip, _ = quantize(graph, ARITHMETIC, inputs)
    kind = chip.nodes["a"].type
    assert np.frexp(kind.scale)[0] == 0.5
    top = (1 << (kind.domain.bound - 1)) - 1
    spikes = emitted(chip, {"x": np.zeros((2, 1, N, D), np.int64), "a": np.full((2, 1, N, D), top)})
    assert spikes["coder"].all(), "the largest input fires"
    assert top * kind.scale >= np.abs(inputs["a"]).max()


def test_where_grows_by_the_pass():
    graph, inputs = random_network(3, False, 1, ("lif",))
    chip, _ = quantize(graph, ARITHMETIC, inputs)
    assert chip.nodes["lif"].provenance.passes == ("quantize",)


def test_a_projection_that_is_cut_for_two_populations_has_one_unit():
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[4]"), name="x")
    weight = b.param("w", np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32))
    both = b.add(Linear(), x, name="both", params={"weight": weight})
    cuts = [b.add(Slice(0, start, start + 2), both, name="cut") for start in (0, 2)]
    graph = b.build({"a": b.add(Lif(0.5), cuts[0], name="a"), "b": b.add(Lif(0.5, threshold=2.0), cuts[1], name="b")})
    _, report = quantize(graph, ARITHMETIC, {"x": np.ones((2, 1, 4), np.float32)})
    first, second = report.layers
    assert first.unit == second.unit
    assert second.threshold == 2 * first.threshold


def test_payloads_of_different_scales_cannot_be_joined():
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[4]"), name="x")
    parts = [
        b.add(Graded(24), b.add(Linear(), x, name="l", params={"weight": b.param("w", w)}), name="p")
        for w in np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    ]
    joined = b.add(Concat(0), *parts, name="join")
    graph = b.build({"y": b.add(Lif(0.5), b.add(Sum((0,)), joined, name="s"), name="y")})
    with pytest.raises(CompileError, match="different scales"):
        quantize(graph, ARITHMETIC, {"x": np.ones((1, 1, 4), np.float32)})


def test_outputs_of_different_scales_cannot_be_joined():
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[4]"), name="x")
    weights = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    currents = [b.add(Linear(), x, name="l", params={"weight": b.param("w", weight)}) for weight in weights]
    graph = b.build({"y": b.add(Concat(0), *(b.add(Graded(24), c, name="p") for c in currents), name="join")})
    with pytest.raises(CompileError, match="output y joins payloads of different scales"):
        quantize(graph, ARITHMETIC, {"x": np.ones((1, 1, 4), np.float32)})


@pytest.mark.parametrize(("neuron", "rule"), [(Burst(4), "quantize.burst"), (Gate(24), "quantize.enable")])
def test_counting_and_enabling_synapses_must_be_whole(neuron, rule):
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[4]"), name="x")
    half = b.add(Synapse(0.5), x, name="half")
    operands = (half,) if isinstance(neuron, Burst) else (b.add(Synapse(), x, name="one"), half)
    graph = b.build({"y": b.add(neuron, *operands, name="y")})
    with pytest.raises(CompileError) as caught:
        quantize(graph, ARITHMETIC, {"x": np.ones((1, 1, 4), np.float32)})
    assert caught.value.rule == rule


def test_shifted_payloads_round_to_nearest():
    """Shifting alone rounds down by half a payload unit on average; the bias makes up for it."""
    b = GraphBuilder("net", 1)
    x, v = b.add(Input(f"spike[{D}]"), name="x"), b.add(Input(f"spike[{D}]"), name="v")
    rng = np.random.default_rng(0)
    weights = [b.param(f"w{k}", rng.normal(0, 0.5, (D, D)).astype(np.float32)) for k in range(2)]
    payload = b.add(Linear(), x, name="payload", params={"weight": weights[0]})
    gate = b.add(Gate(24), payload, b.add(Synapse(), v, name="open"), name="gate")
    out = b.add(Lif(0.5, threshold=500.0), b.add(Linear(), gate, name="out", params={"weight": weights[1]}), name="y")
    graph = b.build({"y": out, "gate": gate})
    inputs = {name: (rng.random((1, 2000, D)) < 0.5).astype(np.float32) for name in "xv"}
    inputs["v"][:] = 1
    chip, report = quantize(graph, replace(ARITHMETIC, state_bits=16), inputs)
    assert chip.nodes["gate"].op.shift >= 2
    scale = report.scales["gate"]
    error = emitted(chip, integers(chip, inputs))["gate"] * scale - emitted(graph, inputs)["gate"]
    assert abs(error.mean()) < 0.1 * scale
    assert np.abs(error).max() < scale


def test_a_memoryless_neuron_with_large_currents_forgets_completely():
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[4]"), name="x")
    for name, weight in (("small", 1.0), ("large", -80.0)):
        one = b.param(name, np.array([[1, 1, 1, weight]], np.float32))
        b.add(Lif(1.0, threshold=2.0), b.add(Linear(), x, name="l", params={"weight": one}), name=name)
    chip, _ = quantize(b.build({"a": "small", "b": "large"}), ARITHMETIC, {"x": np.ones((2, 1, 4), np.float32)})
    assert (chip.nodes["small"].op.dv, chip.nodes["large"].op.dv) == (4095, 4096)


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_layers_near_the_range_of_the_current_keep_their_grid(decay: float, steps: int):
    """1,100 synapses of up to 127 units: their sums come near the 131,071 units of the chip's current, and beyond half of it."""
    rng, b = np.random.default_rng(steps), GraphBuilder("net", steps, dtype="float64")
    x = b.add(Input("spike[1100]"), name="x")
    weight = np.full((6, 1100), 127.0)
    weight[1:] = rng.integers(-126, 128, (5, 1100))
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)})
    b.add(Lif(decay, form="sum", threshold=1 << 16), current, name="s")
    graph = b.build({"s": "s"})
    inputs = {
        "x": np.ones((steps, 1, 1100)) * (rng.random((steps, 40, 1)) < 0.9) * (rng.random((steps, 40, 1100)) < 0.94)
    }
    chip, report = quantize(graph, ARITHMETIC, inputs)
    (layer,) = report.layers
    assert layer.exact
    assert layer.seen > 1 << 16
    assert chip.nodes["s"].op.shift < 6
    found = interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"]
    assert np.array_equal(found, interpret(graph, inputs)["s"])
    assert 0 < found.mean() < 1


def test_every_projection_of_a_neuron_uses_its_eight_bits():
    rng, b = np.random.default_rng(0), GraphBuilder("net", 4)
    x = b.add(Input("spike[64]"), name="x")
    for name, spread in (("weak", 0.05), ("strong", 0.8)):
        weight = b.param(name, rng.normal(0, spread, (64, 64)).astype(np.float32))
        b.add(Linear(), x, name=name, params={"weight": weight})
    b.add(Lif(0.5), "weak", "strong", name="s")
    inputs = {"x": (rng.random((4, 8, 64)) < 0.3).astype(np.float32)}
    shared = replace(ARITHMETIC, weight_exponent_max=0)
    (one_unit,) = quantize(b.build({"s": "s"}), shared, inputs)[1].layers
    (exponents,) = quantize(b.build({"s": "s"}), ARITHMETIC, inputs)[1].layers
    assert (one_unit.bits, exponents.bits) == (6, 8)
    assert exponents.limit == "weights"


def counting(profile_name: str = "loihi2") -> tuple[Graph, Graph, dict[str, np.ndarray]]:
    """A block on counts that are added to spikes: its spiking graph, the synaptic one, and counts of 0..3."""
    rng, b = np.random.default_rng(0), GraphBuilder("net", 4)
    x = b.add(Input("count<3>[32]"), name="x")

    def projected(value: str, name: str) -> str:
        weight = rng.integers(-8, 9, (32, 32)).astype(np.float32) / 16
        return b.add(Linear(), value, name=name, params={"weight": b.param(f"{name}.w", weight)})

    first = b.add(Lif(0.5), projected(x, "a"), name="first")
    b.add(Lif(0.5), projected(b.add(Add(), x, first, name="sum"), "b"), name="last")
    graph = b.build({"last": "last"})
    features = hw_profiles.load(profile_name).features
    return graph, lower_to_synapses(graph, features, {}), {"x": rng.integers(0, 4, (4, 30, 32)).astype(np.float32)}


def test_counts_from_outside_are_payloads_of_scale_one():
    graph, synaptic, inputs = counting()
    verify(synaptic, "synaptic")
    chip, report = quantize(synaptic, ARITHMETIC, inputs)
    verify(chip, "quantized")
    assert str(chip.nodes["x"].type) == "graded<3>[32]"
    assert report.scales["x"] == 1
    assert all(layer.exact for layer in report.layers)
    found = interpret(chip, {"x": inputs["x"].astype(np.int64)})["last"]
    assert np.array_equal(found, interpret(graph, inputs)["last"])
    assert np.array_equal(interpret(synaptic, inputs)["last"], interpret(graph, inputs)["last"])


def test_unseen_samples_keep_more_spikes_where_weights_are_rounded_for_what_they_read():
    """Inputs of common causes, at 4 bits: against the same network with every weight rounded by itself."""
    rng, b = np.random.default_rng(0), GraphBuilder("net", 4)
    value = b.add(Input("spike[48]"), name="x")
    for name in ("first", "second"):
        weight = b.param("w", rng.normal(0.05, 0.3, (48, 48)).astype(np.float32))
        value = b.add(Lif(0.5), b.add(Linear(), value, name="fc", params={"weight": weight}), name=name)
    graph, causes = b.build({"y": value}), rng.random((48, 6)) < 0.3

    def drawn() -> dict[str, np.ndarray]:
        active = (rng.random((4, 300, 6)) < 0.3) @ causes.T
        return {"x": (active & (rng.random(active.shape) < 0.9)).astype(np.float32)}

    arithmetic, unseen, seen = replace(ARITHMETIC, weight_bits=4), drawn(), observe(graph, drawn())
    apart = {name: replace(statistics, products={}) for name, statistics in seen.items()}
    networks = [quantize_calibrated(graph, arithmetic, each)[0] for each in (seen, apart)]
    floats = emitted(graph, unseen)
    ours, theirs = (
        sum(np.count_nonzero(spikes != floats[name]) for name, spikes in emitted(each, integers(each, unseen)).items())
        for each in networks
    )
    assert ours < 0.7 * theirs
