"""
Negated spikes and differences of values.

    1 - x of spikes, x AND NOT y    no neuron of its own: whoever reads it takes -1 synapses and a constant 1 (`Complement`)
    a - b                           the wires of b with the opposite sign: W (a - b) = W a + (-W) b

Only where a population is needed (routing into a window, a matrix product, an output) a NOT neuron is built, once.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.forms import Complement, Current, Form, Spikes
from ir.lowerings.lowering import Lowering, joint_bias
from ir.lowerings.rules.routing import fitted


def lower_not(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """The complement; the complement of a complement is the population itself."""
    (form,) = lowering.operands(node)
    if isinstance(form, Complement):
        return Spikes((form.part,))
    (part,) = lowering.spikes(node, form, "a negation of spikes").parts
    return Complement(part, node.name, provenance)


def lower_subtract(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """The current of the first operand and the negated current of the second."""
    a, b = (
        fitted(lowering.current(form, f"{node.name}_in", provenance), node.type.shape)
        for form in lowering.operands(node)
    )
    b = b.scaled(-1.0)
    return Current(node.type.shape, (*a.wires, *b.wires), joint_bias([a.bias, b.bias]))
