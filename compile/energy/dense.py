"""
The network as an ordinary one: the dense twin with analog activations, and its twin with as few bits as the spike counts have.

    E_dense     = E_MAC MACs                              on a chip: payload MACs + (update + spike) neurons
    E_quantised = ((E_MAC - E_AC) b / w + E_AC) MACs      b = ceil(log2(T + 1)), w the width of what E_MAC multiplies

Both are computed once, without time steps. In T steps a neuron fires 0 to T times, which b bits tell apart; so Z. Yan et al.
(arXiv:2409.08290) compare. That a multiplication costs in proportion to the bits of one operand is an assumption of ours.
Counted are the matrix products that the chip carries out for the spiking network; those of the host are in neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.bill import Bill, bill
from compile.energy.formula.arithmetic import price
from compile.energy.formula.operations import operations
from ir.graph import Graph
from ir.profile import Profile

DENSE_KINDS = ("linear", "conv", "matmul")
"""The operations of a dense twin."""
DENSE, QUANTISED = "dense", "quantised"


@dataclass(frozen=True)
class DenseTwin:
    """What the ordinary network does once per sample."""

    macs: int
    """Multiplications with accumulation of what the chip does."""
    neurons: int
    bits: int
    """Of an activation that tells apart how often a neuron fires in T steps."""

    def __add__(self, other: DenseTwin) -> DenseTwin:
        return DenseTwin(self.macs + other.macs, self.neurons + other.neurons, max(self.bits, other.bits))


def dense_twins(source: Graph, chip: Graph, hosts: Iterable[Graph], steps: int | Fraction) -> Mapping[str, DenseTwin]:
    """
    Module of a source network -> its twin, of what a chip does.

    Args:
        hosts: the graphs of the host. steps: T.
    """
    on_host = {operation.node for graph in hosts for operation in operations(graph)}
    macs, neurons = Counter[str](), Counter[str]()
    for operation in operations(source):
        if operation.kind in DENSE_KINDS and (operation.node not in on_host or operation.node in chip.nodes):
            macs[operation.module] += operation.real
    for node in source.nodes.values():
        if node.op.family == "neuron":
            neurons[node.provenance.module] += node.type.size
    bits = activation_bits(steps)
    return {module: DenseTwin(macs[module], neurons[module], bits) for module in (*macs, *neurons)}


def activation_bits(steps: int | Fraction) -> int:
    """ceil(log2(T + 1)): the bits of a number from 0 to T."""
    return (-(-steps // 1)).bit_length()


def dense_twin_pj(source: Graph, profile: Profile) -> Mapping[str, Fraction]:
    """Module of the source network -> energy per sample of its dense twin, host and chip, at the formula's prices."""
    energy: dict[str, Fraction] = {}
    for operation in operations(source):
        if operation.kind in DENSE_KINDS:
            more = price(profile, "e_mac") * operation.real
            energy[operation.module] = energy.get(operation.module, Fraction(0)) + more
    return energy


def dense_bill(twin: DenseTwin, profile: Profile) -> Bill:
    """The dense twin: on a chip, payloads over all synapses and every neuron once; else multiplications."""
    if profile.has_events:
        counts = {"graded_event": twin.macs, "neuron_update": twin.neurons, "spike": twin.neurons}
        return bill(DENSE, counts, profile, ["graded_event"], ["memory for its weights, static power"])
    return bill(DENSE, {"e_mac": twin.macs}, profile, ["e_mac"], ["memory, activation functions, static power"])


def quantised_bill(twin: DenseTwin, profile: Profile) -> Bill | None:
    """The quantised twin; None for prices of floating point, and of chips, where a payload costs what it does at any width."""
    width = profile.energy.operand_bits
    if width is None or profile.has_events:
        return None
    share = min(Fraction(1), Fraction(twin.bits, width))
    counts = {"e_mac": twin.macs * share, "e_ac": twin.macs * (1 - share)}
    return bill(QUANTISED, counts, profile, ["e_mac", "e_ac"], ["memory, activation functions, static power"])
