"""
What maxima over windows cost on the chip, pooling by pooling: neurons, synapses and steps that the model does not have.

Spikes are pooled by ORs, counts by counters in front of them, currents by relays that compare (docs/layers.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ir.analysis.layers import layer_of
from ir.analysis.resources import node_resources
from ir.analysis.schedule import Schedule, schedule
from ir.deployment import Deployment
from ir.graph import Graph, Node

WAYS = ("max-pool=", "analog-max-pool=", "float-max-pool=")
"""How the marks begin that nodes of a lowered pooling carry."""


@dataclass(frozen=True)
class PoolingCost:
    """One pooling."""

    module: str
    """Path of the model's module; the name of its first node where a function pools."""
    layer: str
    """The population that it feeds."""
    way: str
    """The strategy, as `--lower` names it."""
    relays: int
    """Neurons that pass currents or their differences on as payloads."""
    counters: int
    """Neurons that fire where a count reaches 1, 2, ..."""
    ors: int
    """Neurons that fire where anything in their window does."""
    synapses: int
    """Those of a reader among them, where currents are pooled."""
    latency: int
    """Steps by which it keeps the layer back."""

    @property
    def neurons(self) -> int:
        """All of them."""
        return self.relays + self.counters + self.ors

    def text(self) -> str:
        """The cost in one sentence."""
        kinds = {"relays": self.relays, "counters": self.counters, "ORs": self.ors}
        neurons = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
        steps = f"{self.latency} step{'' if self.latency == 1 else 's'}"
        return f"{self.module} ({self.way}): {neurons}, {self.synapses:,} synapses, {steps} of latency"


def pooling_costs(deployment: Deployment) -> tuple[PoolingCost, ...]:
    """The poolings of a deployment's chip graph, in order."""
    chip = deployment.chip
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in chip.nodes.values():
        way = next((mark for mark in node.provenance.passes if mark.startswith(WAYS)), "")
        if way:
            groups.setdefault((node.provenance.module, way), []).append(node)
    return _costs(chip, deployment.schedule or schedule(chip), groups) if groups else ()


def _costs(chip: Graph, plan: Schedule, groups: Mapping[tuple[str, str], Sequence[Node]]) -> tuple[PoolingCost, ...]:
    depth, layers = plan.depth, layer_of(chip)
    synapses = {row.node: row.synapses for row in node_resources(chip)}
    costs = list[PoolingCost]()
    for (module, way), nodes in groups.items():
        for pooling in _apart(nodes):
            sizes = {"relay": 0, "counter": 0, "or": 0}
            neurons = [node for node in pooling if node.op.family == "neuron"]
            for node in neurons:
                sizes[_kind(chip, node)] += node.type.size
            depths = [depth[node.name] for node in neurons]
            layer = next((layers[node.name] for node in reversed(pooling) if node.name in layers), "")
            total = sum(synapses.get(node.name, 0) for node in pooling)
            latency = max(depths, default=0) - min(depths, default=1) + 1
            kinds = {"relays": sizes["relay"], "counters": sizes["counter"], "ors": sizes["or"]}
            costs.append(PoolingCost(module or pooling[0].name, layer, way, **kinds, synapses=total, latency=latency))
    return tuple(costs)


def _apart(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """The nodes of every pooling by itself, where one module pools more than once: what is joined, or reads the same."""
    group = {node.name: node.name for node in nodes}
    for node in nodes:
        for source in (*node.inputs, node.name):
            group.setdefault(source, source)
            old, new = group[source], group[node.name]
            group = {name: new if root == old else root for name, root in group.items()}
    for root in dict.fromkeys(group[node.name] for node in nodes):
        yield [node for node in nodes if group[node.name] == root]


def _kind(chip: Graph, neuron: Node) -> str:
    """What a neuron of a pooling does."""
    if neuron.type.domain.kind != "spike":
        return "relay"
    return "counter" if all(chip.nodes[name].op.kind == "synapse" for name in neuron.inputs) else "or"
