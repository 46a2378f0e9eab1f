"""
Factors and terms of single steps. One neuron, the clock, fires in the first step of a window and never again; its synapses into
everything that asks for step t are t steps late.

    w[t] (W s + b)  =  sum over t of w[t] W (s and step t) + w[t] b (step t)
    s and step t    =  [s + late(clock, t) >= 2]                 1 neuron, 2 synapses per element and step
    x + b[t]        =  x + sum over t of b[t] late(clock, t)     1 synapse per element and step, 0 neurons

Gates are built once for all who read them. Steps of equal factors share theirs, steps of factor 0 have none, and factors that are
all the same are weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ir.graph import Array, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.routing import fitted
from ir.lowerings.rules.scale import times
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Wire, summed_bias
from ir.ops import Delay, Gate, Gather, Lif, Synapse
from ir.ops.membrane import ANALOG_BITS
from ir.ops.shape import SILENT

CLOCK = "clock"


def lower_time_weight(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The operand's synapses once for every factor, from neurons that fire in its steps alone."""
    current, rows = _operand(lowering, node), _rows(lowering, node, "weight")
    if (rows == rows[0]).all():
        return times(lowering, current, rows[0], node)
    wires: list[Wire] = []
    for steps in _groups(rows):
        gated = tuple(_gated(lowering, wire, steps, node, provenance) for wire in current.wires)
        wires += times(lowering, Current(current.shape, gated), rows[steps[0]], node).wires
    terms = () if current.bias is None else _terms(lowering, rows * current.bias, current.shape, node, provenance)
    return Current(current.shape, (*wires, *terms))


def lower_time_offset(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """The operand's current, and synapses from the clock for every step."""
    current, rows = _operand(lowering, node), _rows(lowering, node, "bias")
    if (rows == rows[0]).all():
        return replace(current, bias=summed_bias([current.bias, rows[0]]))
    terms = _terms(lowering, rows, current.shape, node, provenance)
    return replace(current, wires=(*current.wires, *terms))


def _operand(lowering: Lowering, node: Node) -> Current:
    value = lowering.positive(lowering.operands(node)[0])
    assert not isinstance(value, PendingProduct), "a product is read by a matrix product only"
    return fitted(lowering.current(value, f"{node.name}_in", node.provenance), node.type.shape)


def _rows(lowering: Lowering, node: Node, role: str) -> Array:
    """The constants (T, *features) with all axes of the result, of length 1 where they do not change."""
    rows = lowering.graph.arrays(node)[role]
    return rows.reshape(len(rows), *(1,) * (len(node.type.shape) + 1 - rows.ndim), *rows.shape[1:])


def _groups(rows: Array) -> list[tuple[int, ...]]:
    """The steps with equal constants, without those of constants 0."""
    found: dict[bytes, list[int]] = {}
    for step, row in enumerate(rows):
        if row.any():
            found.setdefault((row + 0.0).tobytes(), []).append(step)
    return [tuple(steps) for steps in found.values()]


def _gated(lowering: Lowering, wire: Wire, steps: Sequence[int], node: Node, provenance: Provenance) -> Wire:
    """The wire from gates on its population that open in some steps; a delay of its current comes before them."""
    source, routes = wire.source, tuple(route for route in wire.routes if not isinstance(route, Delay))
    for route in wire.routes:
        if isinstance(route, Delay):
            source = lowering.add(route, source, name=f"{node.name}_late", provenance=wire.provenance)
    key = (source, tuple(steps))
    if key not in lowering.gates:
        lowering.gates[key] = _gate(lowering, source, steps, node.name, provenance)
    return replace(wire, source=lowering.gates[key], routes=routes)


def _gate(lowering: Lowering, part: str, steps: Sequence[int], name: str, provenance: Provenance) -> str:
    """What a population sends in some steps: AND with these, or payloads that they open."""
    shape, label = lowering.builder.type(part).shape, f"{name}_gate"
    own = Current(shape, (Wire(part, Synapse(), f"{label}_in", provenance),))
    opens = tuple(Wire(_step(lowering, t, shape, provenance), Synapse(), f"{label}_step", provenance) for t in steps)
    if lowering.is_graded(part):
        return lowering.neuron(Gate(ANALOG_BITS), own, label, provenance, (Current(shape, opens),))
    both = Current(shape, (*own.wires, *opens))
    return lowering.neuron(Lif(decay=1.0, form="sum", threshold=2.0), both, label, provenance)


def _terms(
    lowering: Lowering, rows: Array, shape: tuple[int, ...], node: Node, provenance: Provenance
) -> tuple[Wire, ...]:
    """Synapses that carry a constant of every step."""
    found: list[Wire] = []
    for step, row in enumerate(rows):
        if row.any():
            wire = Wire(_step(lowering, step, shape, provenance), Synapse(), f"{node.name}_step", provenance)
            found += times(lowering, Current(shape, (wire,)), row, node).wires
    return tuple(found)


def _step(lowering: Lowering, step: int, shape: tuple[int, ...], provenance: Provenance) -> str:
    """The spike of one step of the window, spread over a shape."""
    if lowering.clock is None:
        lowering.clock = _clock(lowering, provenance)
    late = lowering.clock
    if step:
        late = lowering.add(Delay(step), late, name=f"{CLOCK}_{step}", provenance=provenance)
    return lowering.spread(late, shape, CLOCK, provenance)


def _clock(lowering: Lowering, provenance: Provenance) -> str:
    """A neuron that starts at its threshold, and has no synapses: its wire comes from nowhere."""
    first = lowering.values[lowering.graph.inputs[0].name]
    source = lowering.spikes(lowering.graph.inputs[0], first, "a clock").parts[0]
    flat = lowering.reshaped(source, (lowering.builder.type(source).size,), CLOCK, provenance)
    nowhere = lowering.add(Gather(0, (SILENT,)), flat, name=f"{CLOCK}_none", provenance=provenance)
    current = Current((1,), (Wire(nowhere, Synapse(), f"{CLOCK}_in", provenance),))
    return lowering.neuron(Lif(decay=0.0, form="sum", v0=1.0), current, CLOCK, provenance)
