"""
Spikes behind a constant factor: f s, as integer spikes are that were divided by D.

Such a value is a current of synapses that all weigh f. What multiplies, joins or takes the largest of spikes works on the spikes
themselves, and its result has the factor: (f a) (g b) = f g (a b), max(f a) = f max(a) for f > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.values import Current, LoweredValue, Spikes, Wire
from ir.ops import Synapse


def spiking_factor(lowering: Lowering, value: LoweredValue) -> float | None:
    """f of a value that is f times spikes, negated spikes or counts; None of any other value."""
    if lowering.is_binary(value):
        return 1.0
    if not isinstance(value, Current) or value.bias is not None:
        return None
    factors = {_weight(lowering, wire) for wire in value.wires}
    return factors.pop() if len(factors) == 1 else None


def spike_populations(value: LoweredValue) -> int:
    """How many populations a value sums that has a factor, or would as negated spikes."""
    return len(value.parts) if isinstance(value, Spikes) else len(value.wires) if isinstance(value, Current) else 1


def without_factors(lowering: Lowering, node: Node, values: Sequence[LoweredValue]) -> tuple[list[LoweredValue], float]:
    """The values, those that are scaled spikes as their populations, and the product of the factors."""
    factors = [spiking_factor(lowering, value) if isinstance(value, Current) else None for value in values]
    plain = [
        _populations(lowering, node, value) if f is not None else value
        for value, f in zip(values, factors, strict=True)
    ]
    return plain, prod(f for f in factors if f is not None)


def scaled(lowering: Lowering, spikes: Spikes, factor: float, node: Node, provenance: Provenance) -> LoweredValue:
    """Spikes times a factor: themselves by 1, else a current of synapses that carry it."""
    return spikes if factor == 1 else lowering.current(spikes, f"{node.name}_scaled", provenance).scaled(factor)


def _weight(lowering: Lowering, wire: Wire) -> float | None:
    """The one weight of plain synapses from spikes; None of other projections."""
    op = wire.op
    if not isinstance(op, Synapse) or op.micro or op.delay or lowering.is_graded(wire.source):
        return None
    return wire.factor * op.weight


def _populations(lowering: Lowering, node: Node, value: LoweredValue) -> LoweredValue:
    assert isinstance(value, Current)
    return Spikes(tuple(lowering.routed_source(wire, node.name) for wire in value.wires))
