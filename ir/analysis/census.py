"""
Counts what a lowered network is made of: neurons and unrolled synapses, the model's own and those that lowering added.

Shares of a node (`where` tells them apart):

    own        the model's neurons; its linear maps, convolutions and sums, once
    duplicate  further copies of the model's projections: one per population of a residual sum
    input      unit synapses that carry the host's payloads to the first neurons
    added      everything else: gates, scores, relays, and all synapses from and to them

Papers count spiking attention as dense operations, N^2 D per matrix product, and list gates beside. `matmul` repeats
that count: it is the fan-in of the sums over pair populations, which are among the `added` synapses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ir.analysis.wiring import behind_routing
from ir.graph import Graph, Node
from ir.lowerings.lowering import PASS, RESIDUAL

SHARES = ("own", "duplicate", "input", "added")


@dataclass(frozen=True)
class Row:
    """One population or projection: its counts per sample and step, and whose it is."""

    node: str
    module: str
    share: str
    neurons: int
    synapses: int
    matmul: int = 0


@dataclass(frozen=True)
class Totals:
    """Sums over rows: share -> count, and the dense operations of matrix products."""

    neurons: Mapping[str, int]
    synapses: Mapping[str, int]
    matmul: int

    @property
    def published_synapses(self) -> int:
        """As the literature counts: linear maps with residual duplicates, matrix products dense, no gates."""
        return self.synapses["own"] + self.synapses["duplicate"] + self.matmul

    @property
    def dense_operations(self) -> int:
        """Operations of the dense twin of the same network, per step: no duplicates, no gates."""
        return self.synapses["own"] + self.matmul


def census(chip: Graph) -> tuple[Row, ...]:
    """The rows of a chip graph at level synaptic or quantized, in order; routing has none."""
    return tuple(_row(chip, node) for node in chip.nodes.values() if node.op.family in ("neuron", "projection"))


def totals(rows: Iterable[Row]) -> Totals:
    """The sums of the rows."""
    rows = list(rows)
    neurons = {share: sum(row.neurons for row in rows if row.share == share) for share in SHARES}
    synapses = {share: sum(row.synapses for row in rows if row.share == share) for share in SHARES}
    return Totals(neurons, synapses, sum(row.matmul for row in rows))


def _row(chip: Graph, node: Node) -> Row:
    shapes = {role: array.shape for role, array in chip.arrays(node).items()}
    synapses = node.op.synapses(chip.args(node), shapes)
    matmul = synapses if node.op.kind == "sum" and _is_added(node) else 0
    return Row(node.name, node.provenance.module, _share(chip, node), node.op.neurons(node.type), synapses, matmul)


def _share(chip: Graph, node: Node) -> str:
    if RESIDUAL in node.provenance.passes:
        return "duplicate"
    if not _is_added(node):
        return "own"
    return "input" if node.op.family == "projection" and _reads_payloads_of_the_host(chip, node) else "added"


def _reads_payloads_of_the_host(chip: Graph, projection: Node) -> bool:
    """Whether the population behind the routing is an analog input."""
    sources = [chip.nodes[name] for name in behind_routing(chip, projection.inputs[0])[:1]]
    return any(node.op.family == "input" and node.type.domain.kind == "graded" for node in sources)


def _is_added(node: Node) -> bool:
    return PASS in node.provenance.passes
