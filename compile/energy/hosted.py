"""
What the host computes around the chip, at the formula's prices, operation by operation of its graphs.

An operation of the source costs there what the formula charges for it, also where the chip has synapses for it and the host adds
up the same currents again for itself. Where the compiler moved a sum before weights (`ir.passes.advance_sums`), the host does
other operations than the source has: E_AC for every number that is added up, E_MAC for every weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from compile.energy.analytic import firing, price
from compile.energy.operations import Operation, operations
from compile.energy.rates import Rates
from ir.graph import Graph
from ir.profile import Profile


def host_pj(
    source: Graph, hosts: Iterable[Graph], rates: Rates, steps: int | Fraction, profile: Profile
) -> Mapping[str, Fraction]:
    """
    Module of the source network -> energy per sample of what the host computes of it.

    Args:
        source: the part as traced. hosts: the graphs of the host, of all phases.
        rates: activity of the source's values. steps: T of the source, in the mean.
    """
    own, energy = {operation.node: operation for operation in operations(source)}, dict[str, Fraction]()
    for graph in hosts:
        for operation in operations(graph):
            if operation.node in own:
                picojoules = _formula_pj(own[operation.node], rates, steps, profile)
            else:
                each = price(profile, "e_ac" if operation.kind == "sum" else "e_mac")
                picojoules = each * operation.real * operation.times(graph.steps or steps)
            energy[operation.module] = energy.get(operation.module, Fraction(0)) + picojoules
    return energy


def _formula_pj(operation: Operation, rates: Rates, steps: int | Fraction, profile: Profile) -> Fraction:
    real = operation.real * operation.times(steps)
    if operation.analog:
        return price(profile, "e_mac") * real
    return price(profile, "e_ac") * firing(operation, rates) * real
