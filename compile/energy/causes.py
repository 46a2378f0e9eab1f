"""
Why the counted energy is not the formula's: named causes that add up to the difference exactly.

Every layer is a chain of restatements of its energy, each differing from the one before in one respect; a cause is the step
from one to the next, so the causes telescope. Table at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.formula.analytic import MISSING, FormulaRow
from compile.energy.formula.arithmetic import price
from compile.energy.simulated import Counts
from ir.analysis.wiring import behind_routing
from ir.graph import Graph, Node
from ir.profile import Profile

WEIGHTED = ("linear", "conv", "synapse", "sum")
OWNER: Mapping[str, tuple[str, ...]] = {
    "linear": ("linear",),
    "conv": ("conv",),
    "sum": ("sum", "matmul"),
    "synapse": ("synapse", "mul", "matmul", "sum"),
}
"""Kind of projection -> the kinds of source operation of its module that it may have come from, likeliest first."""

Causes = dict[str, Fraction]


@dataclass(frozen=True)
class Arrivals:
    """Events per sample over the projections of one source operation: at gates, at other targets, and payloads."""

    gate_events: Fraction
    other_events: Fraction
    payloads: Fraction

    @property
    def spikes(self) -> Fraction:
        """All synaptic events of spikes."""
        return self.gate_events + self.other_events


def arrivals(projections: Iterable[Node], counts: Mapping[str, Counts]) -> Arrivals:
    """The events over some projections; one-to-one synapses lead to gates."""
    gate, other, payloads = Fraction(0), Fraction(0), Fraction(0)
    for node in projections:
        events = counts[node.name]
        payloads += events.graded_event
        if node.op.kind == "synapse":
            gate += events.synaptic_event
        else:
            other += events.synaptic_event
    return Arrivals(gate, other, payloads)


def owner(projection: Node, rows: Mapping[tuple[str, str], FormulaRow]) -> tuple[str, str] | None:
    """The (module, kind) of the formula row that a projection carries out, or None where the formula has none."""
    keys = ((projection.provenance.module, kind) for kind in OWNER[projection.op.kind])
    return next((key for key in keys if key in rows), None)


def reads_input(chip: Graph, projection: Node) -> bool:
    """Whether a projection carries a chip input, possibly through routing."""
    sources = behind_routing(chip, projection.inputs[0])
    return bool(sources) and chip.nodes[sources[0]].op.family == "input"


def row_causes(
    row: FormulaRow, projections: Sequence[Node], counts: Mapping[str, Counts], profile: Profile, gates: int = 0
) -> Causes:
    """
    From a formula row's energy to that of the projections that carry it out.

    Args:
        gates: neurons that these projections open, one for each operation that the chip does of a product.
    """
    e_ac, e_mac = price(profile, "e_ac"), price(profile, "e_mac")
    if not projections:
        return {"host": -row.charged.energy_pj(profile)}
    causes, arrived = dict[str, Fraction](), arrivals(projections, counts)
    if row.kind == "mul":
        causes["gates"] = e_ac * arrived.gate_events + e_mac * row.real.multiplications - row.charged.energy_pj(profile)
        causes["counters"] = e_ac * arrived.other_events
    else:
        causes["operation_count"] = row.real.energy_pj(profile) - row.charged.energy_pj(profile)
        causes.update(_counted(row, arrived, e_ac, gates))
    causes["payload_traffic"] = e_mac * (arrived.payloads - row.real.multiplications)
    return _added(causes, price_causes(arrived, profile))


def _counted(row: FormulaRow, arrived: Arrivals, e_ac: Fraction, gates: int) -> Causes:
    """From accumulations at mean rates to events that were counted."""
    if row.kind in WEIGHTED:
        residual = e_ac * (row.spikes - row.real.accumulations)
        return {"residual_sums": residual, "counted_events": e_ac * (arrived.spikes - row.spikes)}
    ordered = row.real.accumulations * Fraction(gates or row.real_flops, row.real_flops)
    return {
        "product_order": e_ac * (ordered - row.real.accumulations),
        "and_gates" if row.both_spike else "counted_events": e_ac * (arrived.gate_events - ordered),
        "counters": e_ac * arrived.other_events,
    }


def table_causes(listed: Iterable[FormulaRow], general: Iterable[FormulaRow], profile: Profile) -> Causes:
    """From the general formula's energy to that of a published table: rows that count otherwise, and layers that have none."""
    charged = {(row.module, row.kind): row.charged.energy_pj(profile) for row in general}
    causes: Causes = {}
    for row in listed:
        name = "missing_from_table" if row.published == MISSING else "counted_otherwise"
        causes[name] = causes.get(name, Fraction(0)) + row.charged.energy_pj(profile) - charged[row.module, row.kind]
    return {name: energy for name, energy in causes.items() if energy}


def extra_causes(chip: Graph, projection: Node, counts: Mapping[str, Counts], profile: Profile) -> Causes:
    """The energy of a projection that no operation of the formula stands for."""
    arrived = arrivals([projection], counts)
    name = "input_synapses" if reads_input(chip, projection) else "added_synapses"
    energy = price(profile, "e_ac") * arrived.spikes + price(profile, "e_mac") * arrived.payloads
    return _added({name: energy}, price_causes(arrived, profile))


def price_causes(arrived: Arrivals, profile: Profile) -> Causes:
    """From the formula's prices to the chip's."""
    causes: Causes = {}
    if arrived.spikes:
        causes["price_per_event"] = (price(profile, "synaptic_event") - price(profile, "e_ac")) * arrived.spikes
    if arrived.payloads:
        causes["price_per_payload"] = (price(profile, "graded_event") - price(profile, "e_mac")) * arrived.payloads
    return causes


def neuron_causes(counts: Counts, profile: Profile, added: bool) -> Causes:
    """The energy of a population, which the formula does not have; `added` by lowering, or one of the model."""
    causes: Causes = {}
    if counts.neuron_update:
        name = "added_neurons" if added else "neuron_updates"
        causes[name] = price(profile, "neuron_update") * counts.neuron_update
    if counts.spike:
        causes["spike_generation"] = price(profile, "spike") * counts.spike
    return causes


def _added(first: Causes, second: Causes) -> Causes:
    return total_causes([first, second])


def total_causes(parts: Iterable[Mapping[str, Fraction]]) -> Causes:
    """The sum of several, in the order of the table; causes that come to nothing are left out."""
    total: Causes = dict.fromkeys(CAUSES, Fraction(0))
    for part in parts:
        for name, energy in part.items():
            total[name] += energy
    return {name: energy for name, energy in total.items() if energy}


COUNTING, SCOPE, PRICE = "counting", "scope", "price"
"""Groups of causes: the same work counted otherwise, what only one of the two knows, and what it costs."""


@dataclass(frozen=True)
class Cause:
    """One reason why counted events do not cost what the formula says."""

    group: str
    meaning: str


CAUSES: Mapping[str, Cause] = {
    "operation_count": Cause(COUNTING, "The formula counts other operations than the layer has, as taps on padding."),
    "residual_sums": Cause(
        COUNTING, "An element of a residual sum that holds n is charged once, but comes as n spikes over n synapses."
    ),
    "counted_events": Cause(
        COUNTING, "Events counted in the run, against mean rates of the source network times operations."
    ),
    "product_order": Cause(
        COUNTING, "Lowering multiplies in another order than the network is written, with more gates or fewer."
    ),
    "and_gates": Cause(
        COUNTING,
        "A product of spikes is a threshold neuron that reads the spikes of both operands, not their mean rate.",
    ),
    "counters": Cause(
        COUNTING, "Unit synapses add up the outputs of the gates; in the formula that is part of the product."
    ),
    "gates": Cause(SCOPE, "The formula charges nothing for gates and masks; on chip their synapses have events."),
    "host": Cause(SCOPE, "The formula charges a layer that runs on the host, not on the chip."),
    "payload_traffic": Cause(
        SCOPE, "The formula charges an analog layer for every input; on chip payloads count, and zero is silent."
    ),
    "input_synapses": Cause(
        SCOPE, "Values from the host enter the first populations over synapses that the formula does not have."
    ),
    "added_synapses": Cause(SCOPE, "Synapses that lowering added where the formula has no operation, as relays."),
    "neuron_updates": Cause(
        SCOPE, "Updating the model's neurons costs energy at every step; the formula has no neurons."
    ),
    "added_neurons": Cause(
        SCOPE, "Updating neurons that lowering added, as gates and counters, costs energy at every step."
    ),
    "spike_generation": Cause(SCOPE, "Spikes that leave a neuron cost energy before they reach a synapse."),
    "crossing": Cause(
        SCOPE,
        "What crosses between host and chip costs energy where the profile prices it; the formula knows no border.",
    ),
    "price_per_event": Cause(PRICE, "A synaptic event on this chip does not cost E_AC."),
    "price_per_payload": Cause(PRICE, "A payload over a synapse on this chip does not cost E_MAC."),
}
"""Cause -> what it is, in the order of the chain."""
TABLE_CAUSES: Mapping[str, str] = {
    "counted_otherwise": "The published row charges other operations, or charges them otherwise, than the general formula.",
    "missing_from_table": "The published table leaves the layer out.",
}
"""Cause of the difference between a published table and the general formula -> what it is."""
