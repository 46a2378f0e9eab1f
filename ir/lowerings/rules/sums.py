"""
Sums and differences of spike populations (residual connections) and of currents.

    a + b of spikes    kept as its populations: whatever projects the sum gives each of them synapses of its own
    a + b, a - b       currents add up in the dendrite that takes them; the wires of b with the opposite sign

Spikes are not added on a chip.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.routing import fitted
from ir.lowerings.values import Current, LoweredValue, Spikes, summed_bias


def lower_add(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Populations are listed, currents joined; populations beside currents enter through unit synapses."""
    operands = lowering.operands(node)
    if all(isinstance(value, Spikes) for value in operands):
        return Spikes(tuple(part for value in operands if isinstance(value, Spikes) for part in value.parts))
    return _summed(node, _currents(lowering, node, provenance))


def lower_subtract(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The current of the first operand and the negated current of the second."""
    a, b = _currents(lowering, node, provenance)
    return _summed(node, [a, b.scaled(-1.0)])


def _currents(lowering: Lowering, node: Node, provenance: Provenance) -> list[Current]:
    """The operands as currents of the result's shape."""
    currents = [lowering.current(value, f"{node.name}_in", provenance) for value in lowering.operands(node)]
    return [fitted(current, node.type.shape) for current in currents]


def _summed(node: Node, currents: list[Current]) -> Current:
    wires = tuple(wire for current in currents for wire in current.wires)
    return Current(node.type.shape, wires, summed_bias([current.bias for current in currents]))
