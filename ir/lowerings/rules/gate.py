"""
Hadamard products of an analog value and spikes (CMSF's analog gate): a graded neuron that the spike opens.

    g * s, g = W x + b  =  gate(payload: the synapses W and the bias b; opened by s)      1 neuron, 1 synapse per element

The payload's own synapses are the model's: residual inputs duplicate them as they do for any neuron. A payload that has to
be broadcast is sent once by a graded neuron and fans out from there.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.forms import Complement, Current, Form, Spikes
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.pairing import opened
from ir.ops import Graded
from ir.ops.membrane import ANALOG_BITS


def lower_gate(lowering: Lowering, node: Node, provenance: Provenance) -> Form:
    """A gate per population of the spiking factor."""
    payload, by = _sides(lowering, node)
    shape, name = node.type.shape, node.name
    if isinstance(payload, Current) and payload.shape != shape:
        payload = relay(lowering, payload, ANALOG_BITS, f"{name}_relay", provenance)
    if isinstance(payload, Spikes):
        spread = [lowering.spread(part, shape, name, provenance) for part in payload.parts]
        payload = lowering.current(Spikes(tuple(spread)), f"{name}_payload", provenance)
    opening = [lowering.spread(part, shape, f"{name}_open", provenance) for part in by.parts]
    return Spikes(tuple(opened(lowering, payload, part, ANALOG_BITS, name, provenance) for part in opening))


def _sides(lowering: Lowering, node: Node) -> tuple[Current | Spikes, Spikes]:
    """The analog factor and the spiking one."""
    a, b = lowering.operands(node)
    if is_binary(lowering, a):
        a, b = b, a
    spikes = lowering.spikes(node, b, "a product of two analog values")
    if not is_binary(lowering, spikes):
        lowering.refuse(
            node, "lower.product", "multiplies two analog values", hint="let one of the factors fire spikes"
        )
    assert isinstance(a, (Current, Spikes)), "two spiking factors are a mask"
    return a, spikes


def is_binary(lowering: Lowering, form: Form) -> bool:
    """Whether a value is spikes, negated spikes, or a sum of spike populations, without payloads."""
    if isinstance(form, Complement):
        return True
    return isinstance(form, Spikes) and not any(lowering.is_graded(part) for part in form.parts)


def relay(lowering: Lowering, current: Current, bits: int, name: str, provenance: Provenance) -> Spikes:
    """A current as the payload of a graded population, to be read by several neurons."""
    return Spikes((lowering.neuron(Graded(bits), current, name, provenance),))
