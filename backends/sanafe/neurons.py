"""
The integer neurons in the numbers of SANA-FE's `leaky_integrate_fire`, and those of which it has none.

One step of it, in float64, with I the current that arrives and V = v / 64 (2.2.9, read in its source and tried):

V <- trunc(64 leak V) / 64 + I;  fires where V > threshold;  then V <- 0 (hard), V - threshold (soft), or V (none).

Three things become something else:

* A neuron that fires at v >= theta and takes theta from it has a threshold a trace below theta. What that leaves too much of
  v is gone when v is next truncated, for it is not negative behind a spike.
* Without decay, any other distance between theta and the level at which it fires is a current in the first step, which v keeps.
* A reset by subtraction that comes one step late is a synapse of the neuron to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ir.errors import Violation
from ir.graph import Array, Graph, Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Burst

STEPS_PER_UNIT = 64
"""Values of v in one V."""
RESETS = {"zero": "hard", "subtract": "soft", "none": "none"}
"""Resets of the integer neuron, in SANA-FE's words."""
HINT = "leave --check sanafe out; the other engines are compared anyway"
TRACE = 2.0**-14
"""Less of v than a decay of 12 bits can tell from nothing."""


@dataclass(frozen=True)
class FlatNeurons:
    """A population; arrays have an entry for each of its neurons."""

    gain: float
    """V of one unit of a current of the graph."""
    threshold: Array
    leak: Array
    """What a step leaves of V, 0..1."""
    reset: str
    """hard, soft or none."""
    bias: Array
    """V in every step of a window."""
    start: Array
    """V in its first step."""
    echo: Array
    """V one step after an own spike."""
    copies: int = 1
    """Neurons for every element of the current, copy after copy."""


def flat_neurons(graph: Graph, node: Node) -> FlatNeurons:
    """A population without an `obstacle`."""
    op, arrays = node.op, graph.arrays(node)
    if isinstance(op, Burst):
        return _bursts(node, op, arrays)
    assert isinstance(op, IntegerLif)
    constants = (op.constant("dv", arrays), op.constant("theta", arrays), op.level(arrays), op.constant("v0", arrays))
    dv, theta, level, v0 = (_each(node, value) for value in constants)
    unit, echo = 1 << op.decay_bits, np.zeros(node.type.size)
    threshold, reset, start = level, RESETS[op.reset], np.trunc(v0 * (unit - dv) / unit)
    if op.reset_at == "next" and reset == "soft":
        reset, echo = "none", -theta
    elif reset == "soft":
        threshold = np.where(theta - level == 1, theta - TRACE, theta)
        start = start + np.where(theta - level == 1, 0, theta - level)
    amounts = (threshold, _each(node, arrays.get("bias", 0)), start, echo)
    threshold, bias, start, echo = (amount / STEPS_PER_UNIT for amount in amounts)
    return FlatNeurons((1 << op.shift) / STEPS_PER_UNIT, threshold, (unit - dv) / unit, reset, bias, start, echo)


def obstacle(graph: Graph, node: Node) -> Violation | None:
    """Why SANA-FE has no counterpart of a population; None where it has."""
    op, arrays = node.op, graph.arrays(node)
    if isinstance(op, Burst):
        return None
    if not isinstance(op, IntegerLif):
        return violation(
            node, "neuron", f"is of kind {op.kind}: SANA-FE has neurons that fire single spikes, no payloads"
        )
    if op.max_spikes > 1:
        return violation(node, "neuron", f"fires up to {op.max_spikes} times a step: in SANA-FE once")
    if np.any(op.constant("du", arrays) != (1 << op.decay_bits) - 1):
        return violation(node, "current", "keeps part of its synaptic current, which SANA-FE does not round")
    if np.any(op.level(arrays) < 0):
        return violation(node, "threshold", "fires without any input, in SANA-FE before its window too")
    if op.reset_at == "next" and op.reset == "zero":
        return violation(node, "reset", "resets to zero one step late, in SANA-FE at once")
    decays, distance = op.constant("dv", arrays) != 0, op.constant("theta", arrays) - op.level(arrays)
    if op.reset == "subtract" and op.reset_at == "spike" and np.any(decays & (distance != 0) & (distance != 1)):
        return violation(node, "reset", "decays, and fires at another v than its reset subtracts")
    return None


def leaves_range(node: Node, arrays: Mapping[str, Array], current: Array) -> bool:
    """Whether u is folded or v clipped, neither of which is done there, by the current (T, B, *shape) of a run."""
    op = node.op
    if not isinstance(op, IntegerLif):
        return False
    half = 1 << (op.state_bits - 1)
    state, left = op.begin(current[0], arrays), bool((np.abs(current) << op.shift >= half).any())
    for step in current:
        u, v = op.compared(state, step, arrays)
        left = left or bool((np.abs(v) >= half - 1).any())
        _, state = op.fire(u, v, arrays)
    return left


def _each(node: Node, value: Any) -> Array:
    """A constant for every neuron."""
    return np.broadcast_to(value, node.type.shape).reshape(-1).astype(np.float64)


def _bursts(node: Node, op: Burst, arrays: Mapping[str, Array]) -> FlatNeurons:
    """A neuron for every micro-step, which differ in their thresholds 0, 1, 2, ..., and remember nothing."""
    size, zero = node.type.size // op.micro, np.zeros(node.type.size)
    thresholds = np.repeat(np.arange(op.micro), size).astype(np.float64)
    bias = _each(node, arrays.get("bias", 0))
    return FlatNeurons(1.0, thresholds, zero, "hard", bias, zero, zero, op.micro)


def violation(node: Node, rule: str, what: str) -> Violation:
    """That SANA-FE has no counterpart of a population, under the rule `sanafe.<rule>`."""
    what, where = f"%{node.name} {what}", str(node.provenance)
    return Violation(rule=f"sanafe.{rule}", what=what, where=where, hint=HINT, node=node.name)
