"""Counted events of a run, times what each costs on the chip: per node of the lowered network, per sample, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

from backends.trace import Events
from compile.energy.formula.arithmetic import price
from ir.graph import Graph, Node
from ir.profile import Profile


@dataclass(frozen=True)
class Counts:
    """Events per sample; names are those of the prices, so that energy is their product."""

    synaptic_event: Fraction = Fraction(0)
    graded_event: Fraction = Fraction(0)
    neuron_update: Fraction = Fraction(0)
    spike: Fraction = Fraction(0)

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    def by_price(self) -> dict[str, Fraction]:
        """Name of the price -> events, kinds that did not occur left out."""
        return {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name)}

    def energy_pj(self, profile: Profile) -> Fraction:
        """Energy per sample; CompileError("profile.missing") where events occurred that the profile has no price for."""
        return sum((price(profile, key) * events for key, events in self.by_price().items()), Fraction(0))


def node_counts(chip: Graph, events: Events) -> Mapping[str, Counts]:
    """Projection or population of a chip graph -> its events per sample. Inputs are not the chip's work."""
    return {
        node.name: _counts(chip, node, events)
        for node in chip.nodes.values()
        if node.op.family in ("projection", "neuron")
    }


def _counts(chip: Graph, node: Node, events: Events) -> Counts:
    if node.op.family == "neuron":
        updates, spikes = events.updates[node.name], events.spikes[node.name]
        return Counts(neuron_update=Fraction(updates, events.samples), spike=Fraction(spikes, events.samples))
    arriving = Fraction(events.synaptic[node.name], events.samples)
    if chip.nodes[node.inputs[0]].type.domain.kind == "spike":
        return Counts(synaptic_event=arriving)
    return Counts(graded_event=arriving)


def missing_prices(chip: Graph, events: Events, profile: Profile) -> tuple[str, ...]:
    """The prices that the events of a run need and the profile does not state; empty where all is priced."""
    total = sum(node_counts(chip, events).values(), Counts())
    needed = ("e_ac", "e_mac", *total.by_price())
    return tuple(key for key in needed if key not in profile.tables.get("energy", {}))
