"""
Why the counted energy is not the formula's: named causes that add up to the difference exactly.

Every layer is a chain of restatements of its energy, each differing from the one before in one respect; a cause is the step
from one to the next, so the causes telescope. Table at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.analytic import MISSING, FormulaRow, price
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


def row_causes(row: FormulaRow, projections: Sequence[Node], counts: Mapping[str, Counts], profile: Profile) -> Causes:
    """From a formula row's energy to that of the projections that carry it out."""
    e_ac, e_mac = price(profile, "e_ac"), price(profile, "e_mac")
    if not projections:
        return {"host": -row.energy_pj(profile)}
    causes = {_count_cause(row): row.real_pj(profile) - row.energy_pj(profile)}
    arrived = arrivals(projections, counts)
    if row.kind in WEIGHTED:
        causes["residual_sums"] = e_ac * (row.spikes - row.real_ac)
        causes["counted_events"] = e_ac * (arrived.spikes - row.spikes)
    else:
        causes["and_gates" if row.both_spike else "counted_events"] = e_ac * (arrived.gate_events - row.real_ac)
        causes["counters"] = e_ac * arrived.other_events
    causes["payload_traffic"] = e_mac * (arrived.payloads - row.real_mac)
    return _added(causes, price_causes(arrived, profile))


def _count_cause(row: FormulaRow) -> str:
    if row.published == MISSING:
        return "missing_from_table"
    return "gate_at_zero" if row.kind == "mul" else "operation_count"


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


def neuron_causes(counts: Counts, profile: Profile) -> Causes:
    """The energy of a population, which the formula does not have."""
    causes: Causes = {}
    if counts.neuron_update:
        causes["neuron_updates"] = price(profile, "neuron_update") * counts.neuron_update
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


CAUSES: Mapping[str, str] = {
    "operation_count": "The formula, or the published row, counts other operations than the layer has.",
    "missing_from_table": "The published table leaves the layer out.",
    "host": "The formula charges a layer that runs on the host, not on the chip.",
    "gate_at_zero": "The formula charges nothing for gates and masks; one operation per element and active operand is real.",
    "residual_sums": "An element of a residual sum that holds n is charged once, but comes as n spikes over n synapses.",
    "counted_events": "Events counted in the run, against mean rates of the source network times operations.",
    "and_gates": "A product of spikes is a threshold neuron that reads the spikes of both operands, not their mean rate.",
    "counters": "Unit synapses add up the outputs of the gates; in the formula that is part of the product.",
    "payload_traffic": "The formula charges an analog layer for every input; on chip payloads count, and zero is silent.",
    "input_synapses": "Values from the host enter the first populations over synapses that the formula does not have.",
    "added_synapses": "Synapses that lowering added where the formula has no operation, as relays.",
    "price_per_event": "A synaptic event on this chip does not cost E_AC.",
    "price_per_payload": "A payload over a synapse on this chip does not cost E_MAC.",
    "neuron_updates": "Updating neurons, their biases included, costs energy at every step; the formula has no neurons.",
    "spike_generation": "Spikes that leave a neuron cost energy before they reach a synapse.",
    "crossing": "What crosses between host and chip costs energy where the profile prices it; the formula knows no border.",
}
"""Cause -> what it is, in the order of the chain."""
