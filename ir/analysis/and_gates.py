"""
Which gates can be contracted: populations that emit the product of two values, and that are only ever summed.

An AND of two spikes, or a payload opened by a spike, is a b element by element. Where nothing but sums over axes reads it, each
sum is a matrix product of what a and b were before they were expanded: (Q K^T) V without its N x N x D gates.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ir.analysis.fan_in import populations
from ir.analysis.plain_neurons import forgets, plain_lif
from ir.graph import Graph, Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Gate, Lif
from ir.types import Type


@dataclass(frozen=True)
class ContractibleGate:
    """A population that need never exist: the product of two values, read by sums alone."""

    operands: tuple[str, str]
    """The two values, in front of their synapses; the second is of spikes."""
    has_unit_synapses: bool
    """Whether both synapses have the weight 1, so that the currents are the operands."""
    has_micro_steps: bool
    """Whether the population, its synapses or its sums run in micro-steps."""


def contractible_gates(graph: Graph, materialised: Collection[str]) -> dict[str, ContractibleGate]:
    """
    Population -> what it is the product of.

    Args:
        materialised: populations of which single elements are asked for; outputs and what back edges repeat always are.
    """
    readers = graph.users()
    materialised = {*materialised, *graph.outputs.values(), *(name for node in graph.loops for name in node.reads)}
    gates: dict[str, ContractibleGate] = {}
    for node in populations(graph):
        sums = [reader.op for reader in readers[node.name] if isinstance(reader.op, Sum)]
        synapses = _product_synapses(graph, node)
        only_summed = node.name not in materialised and len(sums) == len(readers[node.name]) > 0
        if only_summed and synapses:
            first, second = (graph.nodes[name].inputs[0] for name in node.inputs)
            unit = all(synapse.weight == 1 for synapse in synapses)
            micro = any(getattr(op, "micro", 0) for op in (node.op, *synapses, *sums))
            gates[node.name] = ContractibleGate((first, second), unit, micro)
    return gates


def _product_synapses(graph: Graph, node: Node) -> list[Synapse]:
    """The two synapses of a population that emits the product of what they read; none where it does not."""
    projections = [graph.nodes[name] for name in node.inputs]
    synapses = [projection.op for projection in projections if isinstance(projection.op, Synapse)]
    if node.params or not len(synapses) == len(projections) == 2:
        return []
    first, second = (graph.args(projection)[0] for projection in projections)
    if second.domain.kind != "spike":
        return []
    if isinstance(node.op, Gate):
        is_product = all(synapse.weight == 1 for synapse in synapses) and _passes(node.op, first)
    else:
        is_product = first.domain.kind == "spike" and _is_and(node, synapses)
    return synapses if is_product else []


def _passes(gate: Gate, payload: Type) -> bool:
    """Whether a gate, where it is open, emits a payload as it came: no shift, nothing to saturate."""
    if payload.domain.kind not in ("spike", "graded"):
        return False
    bits = payload.domain.bound if payload.domain.kind == "graded" else 2
    return gate.shift == 0 and bits <= gate.bits


def _is_and(node: Node, synapses: Sequence[Synapse]) -> bool:
    """Whether a population fires exactly where both synapses carry a spike: by its definition, and without a memory."""
    first, second = (float(synapse.weight) for synapse in synapses)
    if isinstance(node.op, Lif):
        dtype, has_memory = np.float32, node.op.decay != 1 or not node.op.is_basic(())
    elif isinstance(node.op, IntegerLif):
        # both together fire, and the reset leaves nothing of them
        alone = max(int(abs(first)), int(abs(second)))
        dtype, has_memory = np.int64, plain_lif(node) is None or not forgets(node.op, alone)
    else:
        return False
    currents = np.array([0, first, second, first + second]).astype(dtype).reshape(1, 4, 1)
    return not has_memory and node.op.run((currents,), {}, 1).ravel().tolist() == [0, 0, 0, 1]
