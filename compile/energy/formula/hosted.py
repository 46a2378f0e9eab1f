"""
What the host computes around the chip, operation by operation of its graphs.

An operation of the source costs there what the formula charges for it, also where the chip has synapses for it and the host adds
up the same currents again for itself. Where the compiler moved a sum before weights (`ir.passes.advance_sums`), the host does
other operations than the source has: E_AC for every number that is added up, E_MAC for every weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from compile.energy.formula.analytic import firing
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.operations import Operation, operations
from compile.energy.formula.rates import Rates
from ir.graph import Graph


def host_work(
    source: Graph, hosts: Iterable[Graph], rates: Rates, steps: int | Fraction
) -> Mapping[str, ArithmeticWork]:
    """
    Module of the source network -> what the host computes of it.

    Args:
        source: the part as traced. hosts: the graphs of the host, of all phases.
        rates: activity of the source's values. steps: T of the source, in the mean.
    """
    own, work = {operation.node: operation for operation in operations(source)}, dict[str, ArithmeticWork]()
    for graph in hosts:
        for operation in operations(graph):
            if operation.node in own:
                more = _as_the_formula(own[operation.node], rates, steps)
            else:
                times = Fraction(operation.real * operation.times(graph.steps or steps))
                more = ArithmeticWork(times) if operation.kind == "sum" else ArithmeticWork(multiplications=times)
            work[operation.module] = work.get(operation.module, ArithmeticWork()) + more
    return work


def _as_the_formula(operation: Operation, rates: Rates, steps: int | Fraction) -> ArithmeticWork:
    real = Fraction(operation.real * operation.times(steps))
    if operation.analog:
        return ArithmeticWork(multiplications=real)
    return ArithmeticWork(firing(operation, rates) * real)
