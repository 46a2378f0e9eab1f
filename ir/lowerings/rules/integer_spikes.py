"""
Integer spikes s = round(clamp(v / theta, 0, D)), half to even: one population of threshold neurons per level, whose sum they are.

    s = sum over j = 1 .. D of [v > (j - 1/2) theta]  for odd j,  [v >= (j - 1/2) theta]  for even j

since 0.5 rounds to 0, 1.5 and 2.5 to 2. All levels read the same synapses: D neurons, and D times the synapses of one. Whoever
projects the sum gives each of its populations synapses of its own, as for any count.

A level does not know of the others' spikes. Membranes that remember therefore must not be reset (one step needs none).
"""

from __future__ import annotations

from dataclasses import replace
from math import frexp

import numpy as np

from ir.graph import Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.neuron import constants, dendrites
from ir.lowerings.values import LoweredValue, Spikes
from ir.ops import Lif, Past
from ir.types import SPIKE

MOST_LEVELS = 64
"""More levels are more populations than a layer is worth."""


def rounds_to_levels(lowering: Lowering, node: Node) -> bool:
    """Whether a neuron fires integer spikes that become levels: on chips all do; floats may keep what levels would round anew."""
    if not _is_rounding(node):
        return False
    return lowering.rounds or obstacle_to_levels(lowering, node) is None


def lower_integer_spikes(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The populations of the levels under the neuron's own name and number; their synapses are built once."""
    payload, _ = dendrites(lowering, node, provenance)
    first, *others = level_names(lowering, node)
    built = lowering.neuron(_level(node, 1), payload, first, node.provenance, constants=_constants(lowering, node, 1))
    assert built == first, "back edges name it before it is built"
    inputs, bias = lowering.builder.node(first).inputs, lowering.builder.node(first).param("bias")
    for level, name in enumerate(others, start=2):
        params = _constants(lowering, node, level) | ({"bias": bias} if bias else {})
        lowering.builder.add(_level(node, level), *inputs, name=name, params=params, provenance=node.provenance)
    return Spikes((first, *others))


def lower_past_of_levels(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The back edges of the levels that will be built."""
    op = node.op
    assert isinstance(op, Past)
    kind = str(replace(node.type, domain=SPIKE))
    levels = level_names(lowering, lowering.graph.nodes[op.of])
    edges = [Past(level, kind, op.steps) for level in levels]
    return Spikes(tuple(lowering.builder.add(op, name=node.name, provenance=node.provenance) for op in edges))


def obstacle_to_levels(lowering: Lowering, node: Node) -> str | None:
    """Why integer spikes are no sum of threshold neurons, None where they are."""
    op, floats = node.op, not lowering.rounds
    assert isinstance(op, Lif)
    if not 1 <= op.max_spikes <= MOST_LEVELS:
        return f"fires up to {op.max_spikes or 'any number of'} spikes per step, limit {MOST_LEVELS}"
    forgets = (op.decay == 1 and node.param("decay") is None and op.reset_at == "spike") or lowering.graph.steps == 1
    if not forgets and op.reset != "none":
        taken = "takes as many thresholds from it" if op.reset == "subtract" else "resets it"
        return f"counts spikes of a membrane that remembers, and {taken}, which no single level knows"
    if floats and (node.param("threshold") is not None or frexp(op.threshold)[0] != 0.5):
        return f"divides by a threshold of {op.threshold}, which floats round"
    return None


def level_names(lowering: Lowering, node: Node) -> tuple[str, ...]:
    """The names of the levels, from the lowest; the neuron's own where there is but one."""
    op, names = node.op, lowering.graph.nodes
    assert isinstance(op, Lif)
    if op.max_spikes == 1:
        return (node.name,)
    base = node.name
    while any(f"{base}_{level + 1}" in names for level in range(op.max_spikes)):
        base = f"{base}_level"
    return tuple(f"{base}_{level + 1}" for level in range(op.max_spikes))


def _is_rounding(node: Node) -> bool:
    return isinstance(node.op, Lif) and node.op.comparator == "round"


def _level(node: Node, level: int) -> Lif:
    """The neuron of one level, which no reset concerns."""
    op = node.op
    assert isinstance(op, Lif)
    comparator = ">" if level % 2 else ">="
    kept = op.decay != 1 or node.param("decay") is not None
    reset = "none" if op.reset == "none" and kept else "value"
    usual = {"reset": reset, "v_reset": 0.0, "reset_at": "spike", "max_spikes": 1}
    return replace(op, threshold=(level - 0.5) * op.threshold, comparator=comparator, **usual)


def _constants(lowering: Lowering, node: Node, level: int) -> dict[str, str]:
    """The parameters of single neurons, their thresholds those of the level."""
    names = {role: name for role, name in constants(node).items() if role != "v_reset"}
    if "threshold" in names:
        array = np.asarray(lowering.builder.array(names["threshold"]))
        scaled = ((level - 0.5) * array).astype(array.dtype)
        names["threshold"] = lowering.builder.param(f"{names['threshold']}.level_{level}", scaled)
    return names
