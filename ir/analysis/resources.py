"""
Counts what a lowered network is made of: neurons and unrolled synapses, the model's own and those that passes added.

Shares of a node (its provenance tells them apart):

    own        the model's neurons; its linear maps, convolutions and sums, once
    duplicate  further copies of the model's projections: one per population of a residual sum, one per level of the
               integer spikes that read them
    input      unit synapses that carry the host's payloads to the first neurons
    added      everything else: gates, scores, relays, and all synapses from and to them

Papers count spiking attention as dense operations, N^2 D per matrix product, and list gates beside. `matmul` repeats
that count: it is the fan-in of the sums over pair populations, which are among the `added` synapses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ir.analysis.wiring import behind_routing, populations_fed
from ir.graph import Graph, Node

SHARES = ("own", "duplicate", "input", "added")
ADDING_PASSES = frozenset({"lower_to_synapses", "split_fan_in", "insert_relays", "keep_ties"})
"""The passes whose nodes the model does not have."""
DUPLICATE = "residual=duplicate"
"""Mark of a projection's second and later copies: one per population of a residual sum, and per reader."""


@dataclass(frozen=True)
class NodeResources:
    """What one population or projection needs, per sample and step, and whose it is."""

    node: str
    module: str
    share: str
    neurons: int
    synapses: int
    matmul: int = 0
    """Dense operations of a matrix product, where the node is the sum of one."""


@dataclass(frozen=True)
class ResourceTotals:
    """What all nodes need."""

    neurons: Mapping[str, int]
    """Share -> count."""
    synapses: Mapping[str, int]
    """Share -> count."""
    matmul: int
    """Dense operations of matrix products."""

    @property
    def published_synapses(self) -> int:
        """As the literature counts: linear maps with residual duplicates, matrix products dense, no gates."""
        return self.synapses["own"] + self.synapses["duplicate"] + self.matmul

    @property
    def dense_operations(self) -> int:
        """Operations of the dense twin of the same network, per step: no duplicates, no gates."""
        return self.synapses["own"] + self.matmul


def node_resources(chip: Graph) -> tuple[NodeResources, ...]:
    """What every node of a chip graph at level synaptic or quantized needs, in order; routing needs nothing."""
    nodes, fed = (
        [node for node in chip.nodes.values() if node.op.family in ("neuron", "projection")],
        populations_fed(chip),
    )
    return tuple(row for node in nodes for row in _rows(chip, node, fed.get(node.name, 1)))


def resource_totals(rows: Iterable[NodeResources]) -> ResourceTotals:
    """The sums of the rows."""
    rows = list(rows)
    neurons = {share: sum(row.neurons for row in rows if row.share == share) for share in SHARES}
    synapses = {share: sum(row.synapses for row in rows if row.share == share) for share in SHARES}
    return ResourceTotals(neurons, synapses, sum(row.matmul for row in rows))


def is_added(node: Node) -> bool:
    """Whether a pass added this node (gates, scores, relays) rather than translated it from the model."""
    return not ADDING_PASSES.isdisjoint(node.provenance.passes)


def _rows(chip: Graph, node: Node, populations: int) -> tuple[NodeResources, ...]:
    """What a node needs; the synapses of the model into further populations are duplicates of those into the first."""
    one = _resources(chip, node)
    if populations == 1:
        return (one,)
    more = replace(one, synapses=(populations - 1) * one.synapses, matmul=0)
    return one, replace(more, share="duplicate" if one.share == "own" else one.share)


def _resources(chip: Graph, node: Node) -> NodeResources:
    shapes = {role: array.shape for role, array in chip.arrays(node).items()}
    synapses = node.op.synapses(chip.args(node), shapes)
    return NodeResources(
        node=node.name,
        module=node.provenance.module,
        share=_share(chip, node),
        neurons=node.op.neurons(node.type),
        synapses=synapses,
        matmul=synapses if node.op.kind == "sum" and is_added(node) else 0,
    )


def _share(chip: Graph, node: Node) -> str:
    if DUPLICATE in node.provenance.passes:
        return "duplicate"
    if not is_added(node):
        return "own"
    return "input" if node.op.family == "projection" and _reads_payloads_of_the_host(chip, node) else "added"


def _reads_payloads_of_the_host(chip: Graph, projection: Node) -> bool:
    """Whether the population behind the routing is an analog input."""
    sources = [chip.nodes[name] for name in behind_routing(chip, projection.inputs[0])[:1]]
    return any(node.op.family == "input" and node.type.domain.kind == "graded" for node in sources)
