"""Which layer of the model a node of a chip graph belongs to: the population of the model that it feeds, or is."""

from __future__ import annotations

from ir.analysis.resources import is_added
from ir.graph import Graph, Node


def layer_of(chip: Graph) -> dict[str, str]:
    """Node -> the first population of the model that it feeds (itself, where it is one), layer by layer; inputs are left out."""
    users: dict[str, list[str]] = {name: [] for name in chip.nodes}
    for node in chip.nodes.values():
        for source in node.reads:
            users[source].append(node.name)
    layer = dict.fromkeys(chip.nodes, "")
    for _ in (0, *chip.loops):  # what a back edge feeds is known one round after what it comes from
        for name, node in reversed(list(chip.nodes.items())):
            fed = (layer[user] for user in users[name] if layer[user])
            layer[name] = name if is_population_of_the_model(node) else next(fed, "")
    inputs = {node.name for node in chip.inputs}
    populations = [name for name in chip.nodes if layer[name] == name and name not in inputs]
    members: dict[str, list[str]] = {name: [] for name in populations}
    for name in chip.nodes:
        if name not in inputs and layer[name]:
            members[layer[name]].append(name)
    return {name: population for population in populations for name in members[population]}


def is_population_of_the_model(node: Node) -> bool:
    """Whether a node is a population of the model itself; those that the compiler added carry the mark of the pass."""
    return node.op.family == "neuron" and not is_added(node)
