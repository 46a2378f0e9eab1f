"""Planning a population returns its integers and changes nothing; what two populations share has one unit or is refused."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Gate, Graded, Input, Leaky, Lif, Linear, Past, Synapse
from ir.quantize.calibrated import CalibratedNetwork, calibrated
from ir.quantize.calibration import observe
from ir.quantize.network import plan_network, quantize
from ir.quantize.plan import NetworkPlan
from ir.quantize.population import PopulationPlanner

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(4, 4)).astype(np.float32)
SPIKES = {"x": (RNG.random((3, 5, 4)) < 0.5).astype(np.float32)}


def loop() -> Graph:
    """x -> a -> payload p, which a reads again."""
    b = GraphBuilder("net", 0)
    x, back = b.add(Input("spike[4]"), name="x"), b.add(Past("p", "graded<24>[4]"), name="back")
    currents = [
        b.add(Linear(), source, name=name, params={"weight": b.param("w", weight)})
        for source, name, weight in ((x, "in", WEIGHT), (back, "again", WEIGHT / 64))
    ]
    a = b.add(Lif(0.5), *currents, name="a")
    p = b.add(Graded(24), b.add(Linear(), a, name="out", params={"weight": b.param("w", WEIGHT)}), name="p")
    return b.build({"p": p})


def network() -> CalibratedNetwork:
    return calibrated(loop(), observe(loop(), SPIKES), ARITHMETIC)


def test_everything_is_planned_once():
    plan = plan_network(network())
    assert list(plan.inputs) == ["x"]
    assert list(plan.populations) == ["a", "p"]
    assert plan.projections.keys() == {"in", "again", "out"}
    assert plan.emissions.keys() == {"x", "a", "p"}
    assert plan.looped.keys() == {"p"}


def test_a_step_returns_its_result_and_leaves_what_was_planned_before():
    chip = network()
    before = NetworkPlan({**chip.spike_emissions(), **chip.looped_emissions()}, chip.looped_emissions())
    before = before.with_input("x", plan_network(chip).inputs["x"])
    emissions = dict(before.emissions)
    first, again = (PopulationPlanner(chip, before, chip.chip.nodes["a"]).plan() for _ in range(2))
    assert (dict(before.emissions), dict(before.populations), dict(before.projections)) == (emissions, {}, {})
    assert (first.op, first.emission, first.report) == (again.op, again.emission, again.report)
    after = before.with_population("a", first)
    assert after.populations == {"a": first}
    assert after.projections.keys() == {"in", "again"}
    assert not before.populations


def test_the_scale_of_a_loop_is_kept_by_the_population_that_it_reads():
    plan = plan_network(network())
    assert plan.emissions["p"].scale == pytest.approx(plan.looped["p"].scale)
    assert plan.projections["out"].unit.size * (1 << plan.populations["p"].op.shift) == plan.emissions["p"].scale


def test_proven_currents_are_the_weights_times_what_arrives():
    plan = plan_network(network())
    part = {
        name: np.abs(plan.projections[name].weights.integers.astype(int)).sum(axis=1).max() for name in ("in", "again")
    }
    assert plan.projections["in"].magnitude == part["in"]
    assert plan.populations["a"].report.proven == part["in"] + part["again"] * plan.looped["p"].reach


def opened_and_read(gate_first: bool) -> Graph:
    """One projection that opens a gate and feeds a neuron whose threshold lies between two of its weights."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[4]"), name="x")
    one = b.add(Synapse(), x, name="one")
    payload = b.add(Linear(), x, name="payload", params={"weight": b.param("w", WEIGHT)})
    makers = {
        "gate": lambda: b.add(Gate(24), payload, one, name="gate"),
        "neuron": lambda: b.add(Lif(0.5, threshold=1.25), one, name="neuron"),
    }
    names = ("gate", "neuron") if gate_first else ("neuron", "gate")
    return b.build({name: makers[name]() for name in names})


def test_a_projection_that_opens_a_gate_has_unit_one_for_all_that_it_feeds():
    graph, inputs = opened_and_read(gate_first=True), {"x": np.ones((2, 1, 4), np.float32)}
    chip, report = quantize(graph, ARITHMETIC, inputs)
    assert (chip.nodes["one"].op.weight, report.layers[1].unit) == (1, 1.0)
    assert interpret(chip, {"x": np.ones((2, 1, 4), np.int64)})["gate"].any()
    with pytest.raises(CompileError, match="also feed populations of other scales") as caught:
        quantize(opened_and_read(gate_first=False), ARITHMETIC, inputs)
    assert caught.value.rule == "quantize.shared"


def read_out(scales: list[float]) -> tuple[Graph, dict[str, np.ndarray]]:
    """Membranes that are read, of channels of such sizes."""
    rng, b = np.random.default_rng(0), GraphBuilder("net", 20, dtype="float64")
    x = b.add(Input("spike[32]"), name="x")
    weight = rng.uniform(-1, 1, (len(scales), 32)) * np.array(scales)[:, None]
    y = b.add(Leaky(0.1, form="sum"), b.add(Linear(), x, name="w", params={"weight": b.param("w", weight)}), name="y")
    return b.build({"y": y}), {"x": (rng.random((20, 16, 32)) < 0.3).astype(np.float64)}


def off(scales: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Of every channel, how far integers are from floats, in parts, root mean square; and the largest weight."""
    graph, inputs = read_out(scales)
    chip = hw_profiles.load("loihi2")
    integers, report = quantize(graph, chip.arithmetic, inputs, chip.features)
    found = interpret(integers, {"x": inputs["x"].astype(np.int64)})["y"] * report.scales["y"]
    wanted = interpret(graph, inputs)["y"]
    error = np.sqrt(((found - wanted) ** 2).mean(axis=(0, 1)) / (wanted**2).mean(axis=(0, 1)))
    return error, np.abs(integers.arrays(integers.nodes["w"])["weight"].astype(np.int64)).max(axis=1)


def test_small_channels_of_a_read_out_fill_their_mantissas():
    error, largest = off([1.0, 0.1, 0.01])
    assert error.max() < 0.01
    assert all(64 <= each >> max(0, int(each).bit_length() - 7) <= 127 for each in largest)
    assert largest[0] >= 64 * largest[2]
    alike, _ = off([1.0, 1.0, 1.0])
    assert alike.max() < 0.01
    assert off([1.0, 0.1, 0.001])[0].max() < 0.1, "beyond seven exponents, mantissas get shorter"
