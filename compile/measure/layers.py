"""The network as a person thinks of it: one layer per population of the model, with all that lowering put before it."""

from __future__ import annotations

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


def layer_summaries(chip: Graph, events: Events) -> tuple[LayerSummary, ...]:
    """The layers of a chip graph in order, with the firing rates of a run."""
    layers, rows = layer_of(chip), dict[str, list[NodeResources]]()
    for row in node_resources(chip):
        if row.node in layers:
            rows.setdefault(layers[row.node], []).append(row)
    return tuple(_summary(chip, layer, rows[layer], events) for layer in dict.fromkeys(layers.values()))


def _summary(chip: Graph, name: str, rows: list[NodeResources], events: Events) -> LayerSummary:
    neurons = sum(row.neurons for row in rows if row.node == name)
    added = sum(row.synapses for row in rows if is_added(chip.nodes[row.node]))
    emissions = neurons * events.steps * events.samples
    return LayerSummary(
        name=name,
        module=chip.nodes[name].provenance.module,
        neurons=neurons,
        added_neurons=sum(row.neurons for row in rows) - neurons,
        synapses=sum(row.synapses for row in rows) - added,
        added_synapses=added,
        rate=events.spikes.get(name, 0) / emissions if emissions else 0.0,
    )
