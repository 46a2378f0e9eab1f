"""Ties fall as in the source whatever the bias: every way of keeping them against floats, with ties at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear
from ir.ops.base import Op
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.integer_neuron import IntegerLif
from ir.quantize.network import quantize
from ir.quantize.report import QuantizationReport
from ir.quantize.ties.firing_rule import smallest_bias_from
from ir.verify import verify

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
N, SAMPLES = 96, 100
Arrays = Mapping[str, Any]


def tied(op: Op, biases: Any, steps: int, seed: int = 0, unit: Any = 1 / 64) -> tuple[Graph, dict[str, Any]]:
    """Neurons of the given biases, in units, whose currents lead to the threshold and around it; and spikes for them."""
    rng = np.random.default_rng(seed)
    bias = rng.choice(np.asarray(biases, np.float64), N)
    b = GraphBuilder("net", steps, dtype="float64")
    x = b.add(Input(f"spike[{N}]"), name="x")
    weight = rng.integers(-60, 61, (N, N)) * (rng.random((N, N)) < 0.05)
    weight[np.arange(N), np.arange(N)] = np.clip(127 - bias, -127, 127)
    weight[::2], bias[::2] = (
        rng.integers(-3, 4, (N // 2, N)) * 32 * (rng.random((N // 2, N)) < 0.1),
        bias[::2] // 32 * 32,
    )
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight * unit)})
    b.add(op, current, name="s", params={"bias": b.param("b", bias * unit)})
    return b.build({"s": "s"}), {"x": (rng.random((steps, SAMPLES, N)) < 0.6).astype(np.float64)}


def count_ties(graph: Graph, inputs: Arrays) -> list[int]:
    """At how many neurons the membrane is exactly the threshold, step by step."""
    (node,) = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert isinstance(node.op, Lif)
    seen: dict[str, Any] = {}
    interpret(graph, inputs, lambda each, value: seen.update({each.name: value}))
    params, state, ties = graph.arrays(node), None, []
    for current in seen["fc"]:
        state = node.op.begin(current, params) if state is None else state
        state = node.op.integrate(state, current + params["bias"], params)
        ties.append(int(np.count_nonzero(state.v == node.op.threshold)))
        state = node.op.settle(state, node.op.fire(state.v, params), params)
    return ties


def rounded(graph: Graph, inputs: Arrays, profile: Any = LOIHI1) -> tuple[Graph, QuantizationReport, int]:
    """The integer network, its report, and how many spikes differ from the floats'."""
    chip, report = quantize(graph, profile.arithmetic, inputs, profile.features)
    verify(chip, "quantized")
    ours = interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"]
    return chip, report, int(np.count_nonzero(ours != interpret(graph, inputs)["s"]))


def neuron(op_reset: str = "value", comparator: str = ">=") -> Lif:
    """SpikingJelly's neuron of tau 2 with a threshold of 128 weight units of 1/64."""
    return Lif(0.5, threshold=1.0, reset=op_reset, comparator=comparator)


BIASES = {
    "none": [0],
    "short": range(-63, 64),
    "long": range(-127, 128),
    "longer": [-1000, -300, 64, 127, 200, 255, 999, 1500],
}


@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("steps", range(1, 7))
@pytest.mark.parametrize(("reset", "comparator"), [("value", ">="), ("subtract", ">="), ("value", ">")])
def test_no_spike_of_a_window_is_lost_or_added(biases: str, steps: int, reset: str, comparator: str):
    graph, inputs = tied(neuron(reset, comparator), BIASES[biases], steps, seed=steps)
    profile = LOIHI1 if reset == "value" else LOIHI2
    _, report, differing = rounded(graph, inputs, profile)
    assert report.layers[-1].exact
    assert differing == 0
    assert min(count_ties(graph, inputs)) > 0 or biases == "longer"


@pytest.mark.parametrize(
    ("biases", "steps", "way"),
    [
        ([100, 1500], 1, "threshold"),
        (range(-63, 64), 6, "bias"),
        ([64, 127], 5, "bias"),
        ([255], 4, "bias"),
        ([64, 127], 6, "synapses"),
        ([256], 4, "synapses"),
        ([2000], 2, "synapses"),
    ],
)
def test_the_first_way_that_is_exact_is_taken(biases: Any, steps: int, way: str):
    chip, report, differing = rounded(*tied(neuron(), biases, steps))
    assert (report.layers[-1].ties, differing) == (way, 0)
    assert ("constant" in chip.nodes) == (way == "synapses")


def test_a_comparator_comes_before_many_synapses():
    """A bias of 9,000 weight units takes 71 synapses of 8 bits per neuron."""
    graph, inputs = tied(neuron(), [9000], 2)
    for profile, way in ((LOIHI2, "comparator"), (LOIHI1, "synapses")):
        chip, report, differing = rounded(graph, inputs, profile)
        assert (report.layers[-1].ties, differing) == (way, 0)
        assert ("constant" in chip.nodes) == (way == "synapses")


def test_seven_steps_need_a_comparator_of_their_own():
    graph, inputs = tied(neuron(), [0, 5, 64], 7)
    chip, report, differing = rounded(graph, inputs, LOIHI2)
    assert (report.layers[-1].ties, report.layers[-1].exact, differing) == ("comparator", True, 0)
    assert isinstance(chip.nodes["s"].op, IntegerLif)
    assert chip.nodes["s"].op.comparator == ">="
    _, report, differing = rounded(graph, inputs, LOIHI1)
    assert not report.layers[-1].exact
    assert differing > 0


@pytest.mark.parametrize("profile", [LOIHI1, LOIHI2])
def test_eight_steps_are_not_called_exact(profile: Any):
    _, report, _ = rounded(*tied(neuron(), [0, 5], 8), profile)
    assert not report.layers[-1].exact
    assert not report.layers[-1].ties


def counted(op: Lif, steps: int, weights: Any = (-1, 0, 1)) -> tuple[Graph, dict[str, Any]]:
    """Neurons of a threshold that no unit divides, which read sums of few spikes; and spikes for them."""
    rng = np.random.default_rng(steps)
    b = GraphBuilder("net", steps, dtype="float64")
    x = b.add(Input(f"spike[{N}]"), name="x")
    weight = rng.choice(np.asarray(weights, np.float64), (N, N)) * (rng.random((N, N)) < 0.05)
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)})
    b.add(op, current, name="s")
    return b.build({"s": "s"}), {"x": (rng.random((steps, SAMPLES, N)) < 0.6).astype(np.float64)}


@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize(("decay", "threshold"), [(0.5, 0.6), (0.5, 0.3), (0.25, 0.7), (0.75, 0.9)])
def test_a_threshold_off_the_grid_is_raised_to_the_membranes_own(decay: float, threshold: float, bits: int):
    """Between it and the next of its values no membrane lies within the window."""
    digits = 1 if decay == 0.5 else 2
    narrow = SimpleNamespace(arithmetic=replace(LOIHI2.arithmetic, weight_bits=bits), features=LOIHI2.features)
    exact = list[bool]()
    for steps in range(1, 10):
        _, report, differing = rounded(*counted(Lif(decay, threshold=threshold), steps), narrow)
        exact.append(report.layers[-1].exact)
        assert report.layers[-1].ties == ("threshold" if exact[-1] else "")
        assert not (exact[-1] and differing)
    assert exact.index(False) >= 1 + 6 // digits, "64 parts, of which a weight is all"
    assert not any(exact[exact.index(False) :])


def test_a_membrane_that_leaves_whole_units_is_not_called_exact():
    """A weight of several levels has room for fewer parts, exponents included, and rounded ones lie on no grid."""
    _, report, differing = rounded(*counted(Lif(0.5, threshold=0.6), 7, weights=(-3, 1, 2)), LOIHI2)
    assert (report.layers[-1].exact, differing) == (True, 0)
    _, report, _ = rounded(*counted(Lif(0.5, threshold=0.6), 12, weights=(-3, 1, 2)), LOIHI2)
    assert not report.layers[-1].exact
    _, report, _ = rounded(*counted(Lif(0.5, threshold=0.6), 2, weights=(-0.123, 0.5, 1 / 3)), LOIHI2)
    assert not report.layers[-1].exact


@pytest.mark.parametrize("kind", [Lif, RefractoryLif, RectifiedLif])
@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("comparator", [">=", ">"])
def test_neurons_of_programs_raise_it_as_plain_ones_do(kind: type[Lif], decay: float, comparator: str):
    """1.2 rounded to 1 would let every spike pass."""
    own = {"rest": 1.0} if kind is RefractoryLif else {}
    for steps in (1, 2, 5):
        op = kind(decay, form="sum", threshold=1.2, comparator=comparator, **own)
        _, report, differing = rounded(*counted(op, steps), LOIHI2)
        assert (report.layers[-1].exact, differing) == (True, 0)


def test_where_a_leak_adds_what_is_not_whole_the_unit_is_fine():
    """Two parts would be enough for the currents alone, and make 1.2 of a threshold 1."""
    _, report, differing = rounded(*counted(Lif(0.5, threshold=0.6, leak=0.01), 2), LOIHI2)
    assert not report.layers[-1].exact
    assert report.layers[-1].threshold > 64
    assert differing == 0


def test_several_spikes_per_step_keep_their_ties():
    op = Lif(0.5, threshold=0.25, reset="subtract", max_spikes=4)
    for steps, way in ((5, "bias"), (6, "synapses"), (7, "comparator")):
        _, report, differing = rounded(*tied(op, [0, 64, 100], steps), LOIHI2)
        assert (report.layers[-1].ties, differing) == (way, 0)


def test_rounded_weights_are_no_reason_to_add_neurons():
    graph, inputs = tied(neuron(), [100], 4, unit=np.random.default_rng(0).uniform(0.015, 0.016, N))
    chip, report, _ = rounded(graph, inputs)
    assert not report.layers[-1].exact
    assert "constant" not in chip.nodes


def test_neurons_share_what_their_bias_shares():
    """A convolution's bias is its channels': so are the synapses that bring it, however many positions there are."""
    b = GraphBuilder("net", 6, dtype="float64")
    x = b.add(Input("spike[2x5x5]"), name="x")
    weight = np.random.default_rng(0).integers(-30, 31, (4, 2, 3, 3)) / 64
    op = Conv((1, 1), (1, 1), (1, 1))
    current = b.add(op, x, name="fc", params={"weight": b.param("w", weight)})
    bias = np.array([64, 0, -127, 300]).reshape(4, 1, 1) / 64
    b.add(neuron(), current, name="s", params={"bias": b.param("b", bias)})
    inputs = {"x": (np.random.default_rng(1).random((6, 8, 2, 5, 5)) < 0.5).astype(np.float64)}
    chip, report, differing = rounded(b.build({"s": "s"}), inputs)
    assert (report.layers[-1].ties, differing) == ("synapses", 0)
    assert chip.params["s.constant"].shape == (4, 2)
    assert chip.params["s.constant"].dtype == np.int8


@pytest.mark.parametrize("least", [-524161, -524160, -8192, -4097, -4096, -1, 0, 1, 4095, 4096, 4097, 8191, 524159])
def test_the_smallest_bias_by_trying_all(least: int):
    formats = {sign * mantissa << exponent for sign in (-1, 1) for mantissa in range(4096) for exponent in range(8)}
    expected = min((value for value in formats if value >= least), default=None)
    assert smallest_bias_from(np.array(least), LOIHI1.arithmetic) == expected


def test_the_smallest_bias_keeps_to_the_least_exponent():
    whole = replace(LOIHI1.arithmetic, bias_exponent_min=6, bias_exponent_max=6)
    assert smallest_bias_from(np.array([-65, -64, 0, 1, 65]), whole).tolist() == [-64, -64, 0, 64, 128]


def test_coarse_weights_allow_longer_windows():
    """Weights that are all multiples of 8 units leave three binary digits more: nine steps by bias, ten by a comparator."""
    weight = np.random.default_rng(0).integers(-8, 9, (N, N)) / 16
    for steps, way in ((9, "bias"), (10, "comparator"), (11, "")):
        b = GraphBuilder("net", steps, dtype="float64")
        x = b.add(Input(f"spike[{N}]"), name="x")
        b.add(neuron(), b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)}), name="s")
        inputs = {"x": (np.random.default_rng(1).random((steps, SAMPLES, N)) < 0.1).astype(np.float64)}
        _, report, differing = rounded(b.build({"s": "s"}), inputs, LOIHI2)
        assert (report.layers[-1].ties, report.layers[-1].exact) == (way, bool(way))
        assert differing == 0 or not way
