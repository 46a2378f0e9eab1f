"""
Sums of spike populations (residual connections) and of currents.

Spikes are not added on a chip: the sum is kept as its populations, and whatever projects it gives each of them synapses of
its own. Currents add up in the dendrite that takes them.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.forms import Current, Form, Spikes
from ir.lowerings.lowering import Lowering, joint_bias
from ir.lowerings.rules.routing import fitted


def lower_add(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """Populations are listed, currents joined; populations beside currents enter through unit synapses."""
    forms = lowering.operands(node)
    if all(isinstance(form, Spikes) for form in forms):
        return Spikes(tuple(part for form in forms if isinstance(form, Spikes) for part in form.parts))
    named = [lowering.current(form, f"{node.name}_in", provenance) for form in forms]
    currents = [fitted(current, node.type.shape) for current in named]
    wires = tuple(wire for current in currents for wire in current.wires)
    return Current(node.type.shape, wires, joint_bias([current.bias for current in currents]))
