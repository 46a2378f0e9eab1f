"""
Hadamard products of an analog value and spikes (CMSF's analog gate): a graded neuron that the spike opens.

    g * s, g = W x + b  =  gate(payload: the synapses W and the bias b; opened by s)      1 neuron, 1 synapse per element

The payload's own synapses are the model's: residual inputs duplicate them as they do for any neuron. A payload that has to
be broadcast is sent once by a graded neuron and fans out from there.
"""

from __future__ import annotations

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.scaled_spikes import scaled, spiking_factor, without_factors
from ir.lowerings.values import Current, LoweredValue, Spikes, Wire
from ir.ops import Gate, Synapse
from ir.ops.membrane import ANALOG_BITS


def lower_gate(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """A gate per population of the spiking factor."""
    payload, opening, factor = _sides(lowering, node)
    shape, name = node.type.shape, node.name
    if isinstance(payload, Current) and payload.shape != shape:
        payload = lowering.relay(payload, f"{name}_relay", provenance)
    if isinstance(payload, Spikes):
        spread = [lowering.spread(part, shape, name, provenance) for part in payload.parts]
        payload = lowering.current(Spikes(tuple(spread)), f"{name}_payload", provenance)
    gates = [lowering.spread(part, shape, f"{name}_open", provenance) for part in opening.parts]
    products = Spikes(tuple(opened(lowering, payload, part, ANALOG_BITS, name, provenance) for part in gates))
    return scaled(lowering, products, factor, node, provenance)


def _sides(lowering: Lowering, node: Node) -> tuple[Current | Spikes, Spikes, float]:
    """The analog factor, the spiking one, and the number by which the latter was scaled."""
    a, b = lowering.operands(node)
    if spiking_factor(lowering, a) is not None:
        a, b = b, a
    (b,), factor = without_factors(lowering, node, (b,))
    spikes = lowering.spikes(node, b, "a product of two analog values")
    if not lowering.is_binary(spikes):
        hint = "let one of the factors fire spikes"
        lowering.refuse(node, "lower.product", "multiplies two analog values", hint=hint)
    assert isinstance(a, (Current, Spikes)), "two spiking factors are a mask"
    return a, spikes, factor


def opened(lowering: Lowering, payload: Current, by: str, bits: int, name: str, provenance: Provenance) -> str:
    """The payload gated by a spike population of the same shape: one neuron and one enabling synapse per element."""
    enable = Current(payload.shape, (Wire(by, Synapse(), f"{name}_open", provenance),))
    return lowering.neuron(Gate(bits), payload, name, provenance, (enable,))
