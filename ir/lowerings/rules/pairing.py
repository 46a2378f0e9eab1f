"""
The two populations that can multiply on a chip: AND of two spikes, and a payload opened by a spike.

AND:   y = [a + b >= 2]              two unit synapses into a memoryless neuron of threshold 2
       y = [a - b >= 1]              a negated operand: weight -1, threshold 1 less
gate:  y = x where b >= 1, else 0    the payload x (a weighted sum) and one unit synapse for b
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ir.graph import Provenance
from ir.lowerings.forms import Current, Wire
from ir.lowerings.lowering import Lowering
from ir.ops import Gate, Lif, Synapse


class Literal(NamedTuple):
    """A spike population, or what it does not fire."""

    part: str
    negated: bool = False


def and_neuron(micro: int = 0) -> Lif:
    """The coincidence neuron, optionally run at every one of `micro` micro-steps."""
    return Lif(decay=1.0, form="sum", threshold=2.0, micro=micro)


def or_neuron() -> Lif:
    """The neuron that any one spike makes fire."""
    return Lif(decay=1.0, form="sum")


def conjunction(lowering: Lowering, a: Literal, b: Literal, name: str, provenance: Provenance) -> str:
    """AND of two populations of one shape, either of them negated: one neuron and two synapses per element."""
    wires = tuple(
        Wire(literal.part, Synapse(-1.0 if literal.negated else 1.0), f"{name}_{end}", provenance)
        for literal, end in ((a, "a"), (b, "b"))
    )
    negations = a.negated + b.negated
    shape = lowering.builder.type(a.part).shape
    bias = np.ones((1,) * len(shape), np.float32) if negations == 2 else None
    op = replace(and_neuron(), threshold=2.0 if negations == 0 else 1.0)
    return lowering.neuron(op, Current(shape, wires, bias), name, provenance)


def both(lowering: Lowering, a: str, b: str, name: str, provenance: Provenance, micro: int = 0) -> str:
    """AND of two populations of one shape: one neuron and two synapses per element."""
    shape, op = lowering.builder.type(a).shape, Synapse(micro=micro)
    wires = (Wire(a, op, f"{name}_a", provenance), Wire(b, op, f"{name}_b", provenance))
    return lowering.neuron(and_neuron(micro), Current(shape, wires), name, provenance)


def opened(lowering: Lowering, payload: Current, by: str, bits: int, name: str, provenance: Provenance) -> str:
    """The payload gated by a spike population of the same shape: one neuron and one enabling synapse per element."""
    enable = Current(payload.shape, (Wire(by, Synapse(), f"{name}_open", provenance),))
    return lowering.neuron(Gate(bits), payload, name, provenance, (enable,))
