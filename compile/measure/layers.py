"""The network as a person thinks of it: one layer per population of the model, with all that lowering put before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backends.trace import Events
from ir.analysis.layers import layer_of
from ir.analysis.resources import NodeResources, is_added, node_resources
from ir.graph import Graph


@dataclass(frozen=True)
class LayerSummary:
    """One population of the model, and what feeds it."""

    name: str
    module: str
    """Path of the model's module."""
    classes: str
    """What the modules of the layer are, those that feed it first."""
    neurons: int
    """The population's own."""
    added_neurons: int
    """Gates, scores and other neurons that lowering put between it and the layers before."""
    synapses: int
    """The model's own, unrolled, duplicates for residual sums included."""
    added_synapses: int
    """From and to the added neurons."""
    rate: float
    """Spikes per neuron and step, 0..1."""


def layer_summaries(chip: Graph, events: Events, classes: Mapping[str, str]) -> tuple[LayerSummary, ...]:
    """The layers of a chip graph in order, with the firing rates of a run and the layers' classes."""
    layers, rows = layer_of(chip), dict[str, list[NodeResources]]()
    for row in node_resources(chip):
        if row.node in layers:
            rows.setdefault(layers[row.node], []).append(row)
    names = dict.fromkeys(layers.values())
    return tuple(_summary(chip, name, rows[name], events, classes.get(name, "")) for name in names)


def _summary(chip: Graph, name: str, rows: list[NodeResources], events: Events, classes: str) -> LayerSummary:
    neurons = sum(row.neurons for row in rows if row.node == name)
    added = sum(row.synapses for row in rows if is_added(chip.nodes[row.node]))
    emissions = neurons * (chip.nodes[name].type.steps or events.steps) * events.samples
    return LayerSummary(
        name=name,
        module=chip.nodes[name].provenance.module,
        classes=classes,
        neurons=neurons,
        added_neurons=sum(row.neurons for row in rows) - neurons,
        synapses=sum(row.synapses for row in rows) - added,
        added_synapses=added,
        rate=float(events.spikes.get(name, 0) / emissions) if emissions else 0.0,
    )
