"""A residual network small enough to count by hand: formula, events, twin and causes against numbers worked out on paper."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from backends.trace import Events
from compile.energy import PUBLISHED_TABLES, RateMeter, energy_report, formula_rows, missing_prices, node_counts
from hw_profiles import load
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Node, Provenance
from ir.interpreter import interpret
from ir.ops import Add, Gate, Input, Lif, Linear, Mul, Sum, Synapse

X = np.array([[[1, 0, 1]], [[0, 1, 0]]], np.float32)
"""Input spikes (T = 2, B = 1, 3); 3 of 6 elements are active."""
FIRST = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]], np.float32)
SECOND = np.array([[1, 1, 1], [-1, 0, 1]], np.float32)
# first layer: [1, 0, 2] and [0, 1, 1] -> spikes a = [1, 0, 1], [0, 1, 1]; residual x + a = [2, 0, 2], [0, 2, 1];
# second layer: [6, 0] and [3, 1] against threshold 1 -> spikes [1, 0], [1, 1]
MEMORYLESS = Lif(decay=1.0, form="sum", threshold=1.0)
PJ = Fraction(1, 10)


def source() -> Graph:
    builder = GraphBuilder("small", 2)
    x = builder.add(Input("spike[3]"), name="x")
    a = linear_lif(builder, FIRST, "first", x)
    total = builder.add(Add(), x, a, name="residual", provenance=Provenance("block"))
    return builder.build({"y": linear_lif(builder, SECOND, "second", total)})


def lowered() -> Graph:
    """The second layer's matrix once per population of the residual sum."""
    builder = GraphBuilder("small", 2)
    x = builder.add(Input("spike[3]"), name="x")
    a = linear_lif(builder, FIRST, "first", x)
    return builder.build({"y": linear_lif(builder, SECOND, "second", x, a)})


def linear_lif(builder: GraphBuilder, weight: np.ndarray, name: str, *sources: str) -> str:
    params = {"weight": builder.param(f"{name}.weight", weight)}
    provenance = Provenance(f"block.{name}_linear")
    currents = [builder.add(Linear(), s, name=f"{name}_linear", params=params, provenance=provenance) for s in sources]
    return builder.add(MEMORYLESS, *currents, name=f"{name}_lif", provenance=Provenance(f"block.{name}_lif"))


def counted(chip: Graph, inputs: dict[str, np.ndarray]) -> Events:
    """Events of a run, one synapse at a time."""
    values: dict[str, np.ndarray] = {}
    interpret(chip, inputs, watch=lambda node, value: values.update({node.name: value}))
    steps, samples = next(iter(inputs.values())).shape[:2]
    neurons = [node for node in chip.nodes.values() if node.op.family == "neuron"]
    return Events(
        samples=samples,
        steps=steps,
        spikes={node.name: int(np.count_nonzero(values[node.name])) for node in (*chip.inputs, *neurons)},
        synaptic={
            node.name: arriving(chip, node, values[node.inputs[0]])
            for node in chip.nodes.values()
            if node.op.family == "projection"
        },
        updates={node.name: node.type.size * steps * samples for node in neurons},
    )


def arriving(chip: Graph, node: Node, spikes: np.ndarray) -> int:
    events = 0
    for index in np.ndindex(spikes.shape):
        targets = range(len(chip.params[node.params[0][1]])) if node.op.kind == "linear" else range(1)
        for _ in targets:
            events += bool(spikes[index])
    return events


def measured(graph: Graph, inputs: dict[str, np.ndarray]) -> RateMeter:
    meter = RateMeter(graph)
    interpret(graph, inputs, watch=meter)
    return meter


@pytest.fixture
def report():
    def make(profile: str):
        events = counted(lowered(), {"x": X})
        return energy_report(source(), measured(source(), {"x": X}).rates, lowered(), events, load(profile))

    return make


def test_rates_count_active_elements_and_spikes():
    rates = measured(source(), {"x": X}).rates
    assert (rates["x"].firing, rates["x"].mean) == (Fraction(3, 6), Fraction(3, 6))
    assert (rates["residual"].firing, rates["residual"].mean) == (Fraction(4, 6), Fraction(7, 6))
    assert set(rates) == {"x", "residual", "first_lif", "second_lif"}, "operands and neurons"


def test_rates_of_batches_add_up():
    meter = measured(source(), {"x": X})
    interpret(source(), {"x": np.zeros_like(X)}, watch=meter)
    assert meter.rates["x"].firing == Fraction(3, 12)


def test_formula_by_hand():
    rows = formula_rows(source(), measured(source(), {"x": X}).rates, 2)
    assert [row.charged.accumulations for row in rows] == [2 * Fraction(1, 2) * 9, 2 * Fraction(2, 3) * 6]
    assert [row.spikes for row in rows] == [9, 14]
    assert [row.charged.multiplications for row in rows] == [0, 0]


def test_events_by_hand():
    counts = node_counts(lowered(), counted(lowered(), {"x": X}))
    assert {name: int(seen.synaptic_event) for name, seen in counts.items() if seen.synaptic_event} == {
        "first_linear": 3 * 3,
        "second_linear": 3 * 2,
        "second_linear_2": 4 * 2,
    }
    assert (counts["first_lif"].neuron_update, counts["first_lif"].spike) == (6, 4)
    assert (counts["second_lif"].neuron_update, counts["second_lif"].spike) == (4, 3)


def test_ideal_chip_differs_by_the_residual_sum_alone(report):
    ideal = report("ideal")
    assert ideal.formula_pj == 9 * PJ * 17
    assert ideal.counted_pj == 9 * PJ * 23
    assert ideal.dense_twin_pj == 46 * PJ * 15
    assert ideal.causes == {"residual_sums": 9 * PJ * 6}


def test_loihi_differs_by_its_prices_too(report):
    loihi = report("loihi1")
    assert loihi.causes == {
        "residual_sums": 9 * PJ * 6,
        "price_per_event": (236 - 9) * PJ * 23,
        "neuron_updates": Fraction(52 * 10),
        "spike_generation": 17 * PJ * 7,
    }
    assert loihi.counted_pj == 236 * PJ * 23 + 520 + 17 * PJ * 7
    assert loihi.formula_pj + sum(loihi.causes.values()) == loihi.counted_pj


@pytest.mark.parametrize("profile", ["ideal", "loihi1"])
def test_events_at_the_twin_s_prices_are_the_same_on_every_chip(report, profile: str):
    assert report(profile).arithmetic_pj == 9 * PJ * 23
    assert report(profile).plain()["arithmetic_pj"] == pytest.approx(20.7)


def test_layers_join_on_the_source_module(report):
    layers = {layer.module: layer for layer in report("loihi1").layers}
    assert list(layers) == ["block.first_linear", "block.first_lif", "block.second_linear", "block.second_lif"]
    assert layers["block.second_linear"].layer == layers["block.second_lif"].layer == "second_lif"
    assert layers["block.second_linear"].formula_pj == 9 * PJ * 8
    assert layers["block.second_linear"].counted_pj == 236 * PJ * 14
    assert layers["block.first_lif"].causes == {"neuron_updates": 52 * 6, "spike_generation": 17 * PJ * 4}


def test_events_are_per_sample():
    two = np.concatenate([X, X], axis=1)
    events = counted(lowered(), {"x": two})
    assert events.samples == 2
    report = energy_report(source(), measured(source(), {"x": X}).rates, lowered(), events, load("ideal"))
    assert report.counted_pj == 9 * PJ * 23


def test_other_spikes_on_the_chip_than_in_the_source_are_a_cause():
    events = counted(lowered(), {"x": np.zeros_like(X)})
    report = energy_report(source(), measured(source(), {"x": X}).rates, lowered(), events, load("ideal"))
    assert report.counted_pj == 0
    assert report.causes["counted_events"] == -9 * PJ * (9 + 14)


def gated(kind: str) -> tuple[Graph, Graph]:
    """Source and chip of y = LIF(W (a g)): `spike` gates by an AND, `analog` gates a payload w x by the spike a."""
    pair = []
    for lowering in (False, True):
        builder = GraphBuilder("gated", 2)
        a, g = (builder.add(Input("spike[3]"), name=name) for name in "ag")
        gate = spike_gate if kind == "spike" else analog_gate
        m = gate(builder, a, g, lowering)
        params = {"weight": builder.param("weight", SECOND)}
        y = builder.add(Linear(), m, name="out", params=params, provenance=Provenance("mlp.to_out"))
        pair.append(builder.build({"y": builder.add(MEMORYLESS, y, name="y", provenance=Provenance("mlp.to_lif"))}))
    return pair[0], pair[1]


def spike_gate(builder: GraphBuilder, a: str, g: str, lowering: bool) -> str:
    provenance = Provenance("mlp")
    if not lowering:
        return builder.add(Mul(), a, g, name="m", provenance=provenance)
    currents = [
        builder.add(Synapse(), value, name=f"s{value}", provenance=provenance.after("lower_to_synapses"))
        for value in (a, g)
    ]
    op = Lif(decay=1.0, form="sum", threshold=2.0)
    return builder.add(op, *currents, name="m", provenance=provenance.after("lower_to_synapses"))


def analog_gate(builder: GraphBuilder, a: str, g: str, lowering: bool) -> str:
    params, provenance = {"weight": builder.param("hidden", FIRST)}, Provenance("mlp")
    w = builder.add(Linear(), g, name="w", params=params, provenance=Provenance("mlp.to_hidden_linear"))
    if not lowering:
        return builder.add(Mul(), a, w, name="m", provenance=provenance)
    opened = builder.add(Synapse(), a, name="open", provenance=provenance.after("lower_to_synapses"))
    return builder.add(Gate(bits=24), w, opened, name="m", provenance=provenance.after("lower_to_synapses"))


A, G = X, np.array([[[1, 1, 0]], [[0, 0, 0]]], np.float32)
# a has 3 spikes of 6, g 2 of 6; a and g: [1, 0, 0], [0, 0, 0]; FIRST g = [1, 1, 2], [0, 0, 0], opened by a: [1, 0, 2], 0


def gate_report(kind: str, profile: str, published: bool = False):
    source_graph, chip = gated(kind)
    inputs = {"a": A, "g": G}
    table = PUBLISHED_TABLES["cmsf"] if published else None
    integers = {name: value.astype(np.int32) for name, value in inputs.items()}
    events = counted(chip, integers if kind == "analog" else inputs)
    return energy_report(source_graph, measured(source_graph, inputs).rates, chip, events, load(profile), table)


def test_and_gate_by_hand():
    report = gate_report("spike", "ideal")
    out = 2 * Fraction(1, 6) * 6  # one active product of six, twelve operations
    assert report.formula_pj == 9 * PJ * out
    assert report.counted_pj == 9 * PJ * (3 + 2 + 2)
    assert report.causes == {"gates": 9 * PJ * 5}


def test_analog_gate_by_hand():
    report = gate_report("analog", "ideal")
    assert report.formula_pj == 9 * PJ * (2 * 3) + 46 * PJ * (2 * 6), "its output is no spike: every input, every step"
    assert report.counted_pj == 9 * PJ * (2 * 3 + 3) + 46 * PJ * (2 * 2), "two payloads, two synapses each"
    assert report.causes == {"gates": 9 * PJ * 3, "payload_traffic": -46 * PJ * 8}


def test_what_the_published_table_leaves_out():
    report = gate_report("analog", "ideal", published=True)
    assert report.formula_pj == gate_report("analog", "ideal").formula_pj, "whatever a paper's table leaves out"
    assert report.published_pj == 9 * PJ * 6
    assert report.table_causes == {"missing_from_table": -46 * PJ * 12}
    assert [row.name for row in report.table] == ["Gate Linear", "Gate Multiply", "not in the table: mlp.to_out"]


def test_a_layer_left_on_the_host():
    chip = GraphBuilder("host", 2)
    a = chip.add(Input("spike[3]"), name="first_lif")
    chip_graph = chip.build({"y": linear_lif(chip, SECOND, "second", a)})
    events = counted(chip_graph, {"first_lif": X})
    report = energy_report(source(), measured(source(), {"x": X}).rates, chip_graph, events, load("ideal"))
    assert report.causes["host"] == -9 * PJ * 9
    assert report.layers[0].module == "block.first_linear"
    assert report.layers[0].layer == ""


def test_synapses_without_an_operation_of_the_formula():
    chip = GraphBuilder("relay", 2)
    x = chip.add(Input("graded<24>[3]"), name="x")
    coder = chip.add(
        MEMORYLESS,
        chip.add(Synapse(), x, name="in", provenance=Provenance("coder")),
        name="coder",
        provenance=Provenance("coder"),
    )
    relay = chip.add(Synapse(), coder, name="to_relay", provenance=Provenance("coder", ("insert_relays",)))
    end = chip.add(MEMORYLESS, relay, name="relay", provenance=Provenance("coder", ("insert_relays",)))
    graph = chip.build({"y": end})
    source_graph = GraphBuilder("empty", 2)
    source_graph.add(Input("spike[3]"), name="x")
    report = energy_report(source_graph.build({}), {}, graph, counted(graph, {"x": X}), load("ideal"))
    assert report.causes == {"input_synapses": 46 * PJ * 3, "added_synapses": 9 * PJ * 3}


def test_arithmetic_between_analog_values_is_no_weighted_operation():
    builder = GraphBuilder("norm", 2)
    x = builder.add(Input("real[3] static"), name="x")
    square = builder.add(Mul(), x, x, name="square")
    graph = builder.build({"y": builder.add(Sum((0,)), square, name="sum")})
    assert formula_rows(graph, measured(graph, {"x": X[:1]}).rates, 2) == ()


def test_prices_that_a_profile_lacks_are_named_and_refused():
    source_graph, chip = gated("analog")
    events = counted(chip, {"a": A.astype(np.int32), "g": G.astype(np.int32)})
    assert missing_prices(chip, events, load("loihi2")) == ()
    needed = ("synaptic_event", "graded_event", "neuron_update", "spike")
    assert missing_prices(chip, events, load("45nm")) == needed
    rates = measured(source_graph, {"a": A, "g": G}).rates
    with pytest.raises(CompileError, match=r"45nm has no energy\.synaptic_event"):
        energy_report(source_graph, rates, chip, events, load("45nm"))


def test_the_report_as_plain_content(report):
    plain = json.loads(json.dumps(report("loihi2").plain(), allow_nan=False))
    assert plain["prices"]["synaptic_event"]["lender"] == "loihi1"
    assert plain["events_per_sample"] == {"synaptic_event": 23.0, "neuron_update": 10.0, "spike": 7.0}
    assert plain["formula_pj"] == 15.3
    named = {cause["name"]: cause for cause in plain["causes"]}
    assert named["residual_sums"]["energy_pj"] == 5.4
    assert named["residual_sums"]["group"] == "counting"
    assert "n spikes" in named["residual_sums"]["meaning"]
    assert sum(cause["energy_pj"] for cause in plain["causes"]) == pytest.approx(
        plain["counted_pj"] - plain["formula_pj"]
    )
    assert plain["layers"][0]["module"] == "block.first_linear"
