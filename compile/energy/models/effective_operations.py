"""
Operations as NeuroBench and syops count them, of the layers that both know: linear and convolutional ones.

    NeuroBench:  effective = sum over elements of [x != 0] nonzero weights that read x;  dense = all synapses, padding apart
    syops:       operations = synapses on padding too, times the mean of x where all of x is 0 or 1

A layer accumulates where its inputs are spikes, else it multiplies: NeuroBench asks whether they are 0, 1, -1, syops whether they
have at most two values between 0 and 1. A residual sum with a 2 in it makes the layer multiply in both. NeuroBench leaves biases
out; syops adds those of a linear layer once per call, which is no number per sample, and those of a convolution: they are left
out here. Neither knows products of two activities, as attention has. So do NeuroBench 2.3.0 (SynapticOperations) and syops 0.0.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.operations import Operation, operations
from compile.energy.formula.rates import Rate, Rates
from ir.graph import Array, Graph

KINDS = ("linear", "conv")


@dataclass(frozen=True)
class EffectiveOperations:
    """Per sample."""

    neurobench: ArithmeticWork
    """Effective accumulations and multiplications."""
    dense: Fraction
    """NeuroBench's dense operations: all synapses in every step."""
    syops: ArithmeticWork

    def __add__(self, other: EffectiveOperations) -> EffectiveOperations:
        return EffectiveOperations(
            self.neurobench + other.neurobench, self.dense + other.dense, self.syops + other.syops
        )


def effective_operations(source: Graph, rates: Rates, steps: int | Fraction) -> EffectiveOperations:
    """
    What the tools count of a run of the source network.

    Args:
        rates: activity of its values, element by element, as a `RateMeter` counted it.
        steps: T, steps per sample; their mean where samples differ.
    """
    nothing = EffectiveOperations(ArithmeticWork(), Fraction(0), ArithmeticWork())
    return sum(_layers(source, rates, steps), nothing)


def _layers(source: Graph, rates: Rates, steps: int | Fraction) -> Iterator[EffectiveOperations]:
    for operation in operations(source):
        if operation.kind not in KINDS:
            continue
        rate, times = rates[operation.operands[0]], operation.times(steps)
        own, tool = effective(source, operation, rate) * times, Fraction(operation.formula * times)
        spiking = is_spiking(operation, rate)
        yield EffectiveOperations(
            ArithmeticWork(own) if spiking else ArithmeticWork(multiplications=own),
            Fraction(operation.real * times),
            ArithmeticWork(tool * rate.mean) if spiking else ArithmeticWork(multiplications=tool),
        )


def is_spiking(operation: Operation, rate: Rate) -> bool:
    """Whether all that the operation read was 0 or 1."""
    return not operation.analog and rate.spikes == rate.active


def effective(source: Graph, operation: Operation, rate: Rate) -> Fraction:
    """Nonzero weights that nonzero inputs meet, in the mean over steps and samples."""
    node, often = source.nodes[operation.node], rate.elements // rate.active_of.size
    weight = source.params[dict(node.params)["weight"]]
    active: Array = rate.active_of.astype(np.float64)[None, None]
    met = node.op.run((active,), {"weight": (weight != 0).astype(np.float64)}, 1)
    return Fraction(round(float(met.sum())), often)
