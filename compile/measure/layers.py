"""The network as a person thinks of it: one layer per population of the model, with all that lowering put before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backends.trace import Events
from ir.analysis.resources import is_added
from ir.graph import Graph, Node


@dataclass(frozen=True)
class Layer:
    """
    One population of the model, and what feeds it.

    neurons, synapses: its own (unrolled, residual duplicates included). added_*: gates, scores and their synapses that
    lowering put between it and the layers before. rate: spikes per neuron and step, 0..1.
    """

    name: str
    module: str
    neurons: int
    added_neurons: int
    synapses: int
    added_synapses: int
    rate: float


def layers(chip: Graph, events: Events) -> tuple[Layer, ...]:
    """The layers of a chip graph in order, with the firing rates of a run."""
    owner = layer_of(chip)
    return tuple(
        _layer(chip, name, [chip.nodes[node] for node, own in owner.items() if own == name], events)
        for name in dict.fromkeys(owner.values())
        if name
    )


def layer_of(chip: Graph) -> dict[str, str]:
    """Node -> the first population of the model that it feeds (itself, where it is one); "" for what feeds none."""
    users: dict[str, list[str]] = {name: [] for name in chip.nodes}
    for node in chip.nodes.values():
        for source in node.reads:
            users[source].append(node.name)
    owner = dict.fromkeys(chip.nodes, "")
    for _ in (0, *chip.loops):  # what a back edge feeds is known one round after what it comes from
        for name, node in reversed(list(chip.nodes.items())):
            own = node.op.family == "neuron" and not is_added(node)
            owner[name] = name if own else next((owner[user] for user in users[name] if owner[user]), "")
    inputs = {node.name for node in chip.inputs}
    ordered = {name: owner[name] for name in chip.nodes if name not in inputs}
    populations = [name for name in ordered if ordered[name] == name]
    return {node: own for name in populations for node, own in ordered.items() if own == name}


def _layer(chip: Graph, name: str, nodes: list[Node], events: Events) -> Layer:
    neurons = chip.nodes[name].op.neurons(chip.nodes[name].type)
    synapses: Mapping[str, int] = {
        node.name: node.op.synapses(chip.args(node), {role: array.shape for role, array in chip.arrays(node).items()})
        for node in nodes
    }
    added = sum(count for node, count in synapses.items() if is_added(chip.nodes[node]))
    slots = neurons * events.steps * events.samples
    return Layer(
        name=name,
        module=chip.nodes[name].provenance.module,
        neurons=neurons,
        added_neurons=sum(n.op.neurons(n.type) for n in nodes if n.op.family == "neuron" and n.name != name),
        synapses=sum(synapses.values()) - added,
        added_synapses=added,
        rate=events.spikes.get(name, 0) / slots if slots else 0.0,
    )
