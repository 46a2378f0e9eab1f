"""Property: whatever the network, its rates, its events and the prices, the causes add up to the difference exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.trace import Events
from compile.energy import CAUSES, PUBLISHED_TABLES, CrossingCost, EnergyReport, Rate, energy_report
from compile.energy.causes import TABLE_CAUSES, table_causes
from compile.energy.formula.analytic import formula_rows
from compile.energy.formula.operations import operations
from hw_profiles import load
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Add, Conv, Expand, Gate, Graded, Input, Lif, Linear, MatMul, Mul, Reshape, Sum, Synapse
from tests.compile.energy.formula.test_analytic import RATES, TABLE, network

ROWS, WIDTH = 3, 4
FIRE = Lif(decay=0.5)
AND = Lif(decay=1.0, form="sum", threshold=2.0)
MODULES = (
    "linear",
    "block.0.attn.q_linear",
    "block.0.attn",
    "block.0.attn",
    "block.0.mlp",
    "block.0.mlp.to_out",
    "other",
)
PROFILES = ("ideal", "loihi2")


class Pair:
    """A source network and its chip graph, grown together; `x` is the spiking value that the next piece reads in both."""

    def __init__(self) -> None:
        self.source, self.chip = GraphBuilder("source", 2), GraphBuilder("chip", 2)
        entry = Input(f"spike[{ROWS}x{WIDTH}]")
        self.s, self.c = self.source.add(entry, name="x"), self.chip.add(entry, name="x")
        self.hosts: list[Graph] = []

    def fire(self, source: str, *currents: str, module: str) -> None:
        self.s = self.source.add(FIRE, source, name="fire", provenance=Provenance(f"{module}_lif"))
        self.c = self.chip.add(FIRE, *currents, name="fire", provenance=Provenance(f"{module}_lif"))


def matrix(builder: GraphBuilder, value: str, module: str) -> str:
    params = {"weight": builder.param("w", np.ones((WIDTH, WIDTH), np.int8))}
    return builder.add(Linear(), value, name="linear", params=params, provenance=Provenance(module))


def synapse(builder: GraphBuilder, value: str, module: str) -> str:
    return builder.add(Synapse(), value, name="synapse", provenance=Provenance(module, ("lower_to_synapses",)))


def dense(pair: Pair, module: str) -> None:
    pair.fire(matrix(pair.source, pair.s, module), matrix(pair.chip, pair.c, module), module=module)


def convolution(pair: Pair, module: str) -> None:
    """With taps on padding, which the formula counts."""
    currents = list[str]()
    for builder, value in ((pair.source, pair.s), (pair.chip, pair.c)):
        params = {"weight": builder.param("k", np.ones((ROWS, ROWS, 3), np.int8))}
        op = Conv((1,), (1,), (1,))
        currents.append(builder.add(op, value, name="conv", params=params, provenance=Provenance(module)))
    pair.fire(*currents, module=module)


def residual(pair: Pair, module: str) -> None:
    """A dense layer, then one that reads the sum of its input and output."""
    s, c = pair.s, pair.c
    dense(pair, "other")
    total = pair.source.add(Add(), s, pair.s, name="sum", provenance=Provenance("block"))
    currents = [matrix(pair.chip, value, module) for value in (c, pair.c)]
    pair.fire(matrix(pair.source, total, module), *currents, module=module)


def mask(pair: Pair, module: str) -> None:
    s, c = pair.s, pair.c
    dense(pair, "other")
    pair.s = pair.source.add(Mul(), s, pair.s, name="mask", provenance=Provenance(module))
    gates = [synapse(pair.chip, value, module) for value in (c, pair.c)]
    pair.c = pair.chip.add(AND, *gates, name="mask", provenance=Provenance(module, ("lower_to_synapses",)))


def gate(pair: Pair, module: str) -> None:
    """A payload opened by spikes; the layer behind it reads analog values."""
    s, c = (
        builder.add(
            Mul() if builder is pair.source else Gate(bits=24), *operands, name="gate", provenance=Provenance(module)
        )
        for builder, operands in (
            (pair.source, (pair.s, matrix(pair.source, pair.s, "other"))),
            (pair.chip, (matrix(pair.chip, pair.c, "other"), synapse(pair.chip, pair.c, module))),
        )
    )
    pair.fire(matrix(pair.source, s, "block.0.mlp.to_out"), matrix(pair.chip, c, "block.0.mlp.to_out"), module=module)


def counter(pair: Pair, module: str) -> None:
    s, c = (
        builder.add(
            Expand((ROWS, WIDTH)), builder.add(Sum((0,)), value, name="sum", provenance=Provenance(module)), name="wide"
        )
        for builder, value in ((pair.source, pair.s), (pair.chip, pair.c))
    )
    pair.fire(s, c, module=module)


def product(pair: Pair, module: str) -> None:
    """x (W x)^T x with integer scores as payloads."""
    heads = (1, ROWS, WIDTH)
    s = pair.source.add(Reshape(heads), pair.s, name="heads", provenance=Provenance(module))
    turned = pair.source.add(Reshape((1, WIDTH, ROWS)), pair.s, name="turned", provenance=Provenance(module))
    scores = pair.source.add(MatMul(), s, turned, name="scores", provenance=Provenance(module))
    mixed = pair.source.add(MatMul(), scores, s, name="mixed", provenance=Provenance(module))
    gates = [synapse(pair.chip, pair.c, module) for _ in range(2)]
    ands = pair.chip.add(AND, *gates, name="and", provenance=Provenance(module))
    counted = pair.chip.add(Sum((0,)), ands, name="count", provenance=Provenance(module))
    graded = pair.chip.add(Graded(bits=24), counted, name="score", provenance=Provenance(module))
    payload = pair.chip.add(Expand((ROWS, WIDTH)), synapse(pair.chip, graded, module), name="wide")
    merged = pair.source.add(Reshape((ROWS, WIDTH)), mixed, name="merged", provenance=Provenance(module))
    pair.fire(merged, payload, module=module)


def on_host(pair: Pair, module: str) -> None:
    """An analog layer before the network, which the chip never sees."""
    entry, host = Input(f"real[{ROWS}x{WIDTH}] static"), GraphBuilder("host", 2)
    analog = matrix(pair.source, pair.source.add(entry, name="analog"), module)
    params = {"weight": host.param("w", np.ones((WIDTH, WIDTH), np.int8))}
    host.add(Linear(), host.add(entry, name="analog"), name=analog, params=params, provenance=Provenance(module))
    pair.hosts.append(host.build({"y": analog}))
    pair.s = pair.source.add(Mul(), pair.s, pair.source.add(FIRE, analog, name="coder"), name="m")


def relay(pair: Pair, module: str) -> None:
    pair.c = pair.chip.add(FIRE, synapse(pair.chip, pair.c, "nowhere"), name="relay", provenance=Provenance("nowhere"))


PIECES: dict[str, Callable[[Pair, str], None]] = {
    piece.__name__: piece for piece in (dense, convolution, residual, mask, gate, counter, product, on_host, relay)
}


@st.composite
def reports(draw: st.DrawFn) -> tuple[EnergyReport, Events, str]:
    pair = Pair()
    for piece in draw(st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=5)):
        PIECES[piece](pair, draw(st.sampled_from(MODULES)))
    source, chip = pair.source.build({"y": pair.s}), pair.chip.build({"y": pair.c})
    published = draw(st.sampled_from((None, PUBLISHED_TABLES["cmsf"])))
    events, profile = draw(random_events(chip)), draw(st.sampled_from(PROFILES))
    rates = {name: draw(random_rate()) for op in operations(source) for name in op.operands}
    crossing = CrossingCost(energy_pj=Fraction(832, 7) if events.samples % 2 else None)
    report = energy_report(source, rates, chip, events, load(profile), published, pair.hosts, crossing)
    return report, events, profile


@st.composite
def random_rate(draw: st.DrawFn) -> Rate:
    elements = draw(st.integers(1, 1000))
    active = draw(st.integers(0, elements))
    return Rate(active, active + draw(st.integers(0, 500)), elements)


@st.composite
def random_events(draw: st.DrawFn, chip: Graph) -> Events:
    numbers = st.integers(0, 10**6)
    neurons = [node.name for node in chip.nodes.values() if node.op.family == "neuron"]
    projections = [node.name for node in chip.nodes.values() if node.op.family == "projection"]
    return Events(
        samples=draw(st.integers(1, 7)),
        steps=draw(st.integers(1, 5)),
        spikes={name: draw(numbers) for name in neurons},
        synaptic={name: draw(numbers) for name in projections},
        updates={name: draw(numbers) for name in neurons},
    )


@given(reports())
def test_causes_add_up_exactly(drawn: tuple[EnergyReport, Events, str]):
    report, _, _ = drawn
    assert report.formula_pj + sum(report.causes.values(), Fraction(0)) == report.counted_pj
    for layer in report.layers:
        assert layer.formula_pj + sum(layer.causes.values(), Fraction(0)) == layer.counted_pj, layer.module
    assert report.published_pj is None or report.formula_pj + sum(report.table_causes.values()) == report.published_pj
    assert all(report.causes.values()), "a cause that comes to nothing is left out"
    assert set(report.causes) <= set(CAUSES)


@given(reports())
def test_every_counted_event_is_paid_for_once(drawn: tuple[EnergyReport, Events, str]):
    report, events, profile = drawn
    counts, energy = report.counts, load(profile).energy
    assert (counts.synaptic_event + counts.graded_event) * events.samples == sum(events.synaptic.values())
    assert counts.neuron_update * events.samples == sum(events.updates.values())
    paid = counts.synaptic_event * energy.synaptic_event + counts.graded_event * energy.graded_event
    neurons = counts.neuron_update * energy.neuron_update + counts.spike * energy.spike
    assert report.counted_pj == paid + neurons + (report.crossing.energy_pj or 0)


@given(reports())
def test_the_host_s_work_is_at_most_what_the_formula_charges(drawn: tuple[EnergyReport, Events, str]):
    """It may compute once more what the chip does, and need not compute what nobody reads."""
    report, _, _ = drawn
    assert all(0 <= layer.host_pj <= layer.formula_pj for layer in report.layers)


def test_the_networks_drawn_show_every_cause():
    seen: set[str] = set()

    @settings(max_examples=200)
    @given(reports())
    def collect(drawn: tuple[EnergyReport, Events, str]) -> None:
        seen.update(drawn[0].causes)

    collect()
    assert seen == set(CAUSES)


def test_a_table_that_counts_otherwise_and_leaves_a_layer_out():
    """100 operations in place of 6 at a quarter in 2 steps; 16 accumulations are missing."""
    general, listed = (formula_rows(network(), RATES, 2, table) for table in (None, TABLE))
    causes = table_causes(listed, general, load("45nm"))
    assert causes == {"counted_otherwise": Fraction("0.9") * 47, "missing_from_table": -Fraction("0.9") * 16}
    assert set(causes) == set(TABLE_CAUSES)


def test_every_cause_is_explained_in_one_sentence():
    assert all(
        text.endswith(".") and text.count(".") == 1
        for text in (*(cause.meaning for cause in CAUSES.values()), *TABLE_CAUSES.values())
    )
    assert {cause.group for cause in CAUSES.values()} == {"counting", "scope", "price"}
