"""
A graph on its way to synapses: the lowered graph so far, and what every value of the source graph has become in it.

The rules share these few moves: take an operand as populations or as a current, spread a population over a shape, build a
neuron. A node that lowering adds carries PASS in its provenance, the model's own neurons and projections do not: that is how
`ir.analysis.resources`, the energy model and the report tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import numpy as np

from ir.analysis.resources import DUPLICATE
from ir.errors import DeployError, Violation
from ir.graph import Array, Graph, GraphBuilder, Node, Provenance
from ir.lowerings.values import Complement, Current, LoweredValue, PendingProduct, Spikes, Wire
from ir.ops import Add, Expand, Gate, Graded, Lif, Reshape, Sum, Synapse
from ir.ops.base import Op
from ir.ops.membrane import ANALOG_BITS

PASS = "lower_to_synapses"


class Lowering:
    """The state of the pass, which grows with every node that is lowered."""

    graph: Graph
    """The source graph."""
    builder: GraphBuilder
    """The lowered graph so far."""
    values: dict[str, LoweredValue]
    """Value of the source graph -> what it has become."""
    rounds: bool
    """Whether the lowered graph will be rounded to integers; else it keeps the source's arithmetic."""
    relayed: set[str]
    """Currents that back edges read, and that therefore need neurons which emit them."""
    responses: dict[tuple[tuple[int, ...], tuple[tuple[Op, str | None], ...]], Array]
    """(shape, operations with their weights) -> what chains of convolutions make of unit inputs, where it was worked out."""
    clock: str | None
    """The neuron that fires in the first step of a window, once something has asked for it."""
    gates: dict[tuple[str, tuple[int, ...]], str]
    """(population, steps) -> what it sends in these steps alone."""

    def __init__(self, graph: Graph, rounds: bool = True) -> None:
        self.graph, self.rounds = graph, rounds
        self.builder = GraphBuilder(graph.name, graph.steps, graph.params, graph.dtype)
        self.values = {}
        self.relayed, self.responses = set(), {}
        self.clock, self.gates = None, {}
        self._wired: set[str] = set()
        self._negated: dict[str, str] = {}

    def operands(self, node: Node) -> tuple[LoweredValue, ...]:
        """What a node's operands have become."""
        return tuple(self.values[name] for name in node.inputs)

    def positive(self, value: LoweredValue) -> Spikes | Current | PendingProduct:
        """The value itself, or the population that fires negated spikes."""
        return Spikes((self._not(value),)) if isinstance(value, Complement) else value

    def spikes(self, node: Node, value: LoweredValue, what: str) -> Spikes:
        """An operand that must be spikes or payloads; DeployError where it is a current."""
        value = self.positive(value)
        if not isinstance(value, Spikes):
            hint = "put neurons between the two, or merge the two linear maps into one"
            self.refuse(node, "lower.current", f"{what} would read a current that no neuron has taken", hint=hint)
        return value

    def refuse(self, node: Node, rule: str, what: str, *, hint: str) -> NoReturn:
        """Raise the DeployError for a node that no lowering can express."""
        where = str(node.provenance) or self.graph.name
        raise DeployError([Violation(rule=rule, what=f"%{node.name}: {what}", where=where, hint=hint)])

    def is_graded(self, part: str) -> bool:
        """Whether a population, or an input, sends payloads; counts from outside are some."""
        return self.builder.type(part).domain.kind in ("graded", "count")

    def is_binary(self, value: LoweredValue) -> bool:
        """Whether a value is spikes, negated spikes, or a sum of spike populations, without payloads."""
        if isinstance(value, Complement):
            return True
        return isinstance(value, Spikes) and not any(self.is_graded(part) for part in value.parts)

    def current(self, value: LoweredValue, name: str, provenance: Provenance) -> Current:
        """A value as a current: populations get one unit synapse per element, named `name`; negated ones -1 and a constant."""
        if isinstance(value, Current):
            return value
        if isinstance(value, Complement):
            shape = self.builder.type(value.part).shape
            bias = np.ones((1,) * len(shape), np.float32)
            return Current(shape, (Wire(value.part, Synapse(-1.0), name, provenance),), bias)
        assert not isinstance(value, PendingProduct), "a product is read by a matrix product only"
        shape = self.builder.type(value.parts[0]).shape
        return Current(shape, tuple(Wire(part, Synapse(), name, provenance) for part in value.parts))

    def _not(self, value: Complement) -> str:
        """The population that fires where another does not: [1 - x >= 1]; one neuron and synapse per element, built once."""
        if value.part not in self._negated:
            current = self.current(value, f"{value.name}_in", value.provenance)
            op = Lif(decay=1.0, form="sum")
            self._negated[value.part] = self.neuron(op, current, value.name, value.provenance)
        return self._negated[value.part]

    def add(self, op: Op, *inputs: str, name: str, provenance: Provenance) -> str:
        """Append a node that the model does not have; names of the model's own nodes stay free for them."""
        free = f"{name}_added" if name in self.graph.nodes else name
        return self.builder.add(op, *inputs, name=free, provenance=provenance)

    def spread(self, part: str, shape: tuple[int, ...], name: str, provenance: Provenance) -> str:
        """A population broadcast to `shape`, as numpy broadcasts: axes of length 1 feed several wires."""
        rows = self.builder.type(part).shape
        if len(rows) < len(shape):
            rows = (*(1,) * (len(shape) - len(rows)), *rows)
            part = self.add(Reshape(rows), part, name=f"{name}_rows", provenance=provenance)
        return part if rows == shape else self.add(Expand(shape), part, name=f"{name}_wires", provenance=provenance)

    def reshaped(self, part: str, shape: tuple[int, ...], name: str, provenance: Provenance) -> str:
        """A population in another shape of the same size."""
        if self.builder.type(part).shape == shape:
            return part
        return self.add(Reshape(shape), part, name=f"{name}_rows", provenance=provenance)

    def routed_source(self, wire: Wire, name: str) -> str:
        """The wire's population behind the routing of its current: for synapses of one weight the order does not matter."""
        source = wire.source
        for route in wire.routes:
            source = self.add(route, source, name=f"{name}_{route.kind}", provenance=wire.provenance)
        return source

    def neuron(
        self,
        op: Op,
        current: Current,
        name: str,
        provenance: Provenance,
        enables: tuple[Current, ...] = (),
        constants: Mapping[str, str] | None = None,
    ) -> str:
        """Build a population that takes a current, and after it the enabling currents of a gate; `constants`: parameters."""
        payload = [self._built(wire) for wire in current.wires]
        opening = [self._built(wire) for enable in enables for wire in enable.wires]
        params = dict(constants or {})
        if current.bias is not None and np.any(current.bias):
            params["bias"] = self.builder.param(f"{name}.bias", current.bias)
        op = replace(op, enables=len(opening)) if isinstance(op, Gate) else op
        return self.builder.add(op, *payload, *opening, name=name, params=params, provenance=provenance)

    def relay(self, current: Current, name: str, provenance: Provenance, bits: int = ANALOG_BITS) -> Spikes:
        """A current as the payload of a graded population, to be read by several neurons."""
        return Spikes((self.neuron(Graded(bits), current, name, provenance),))

    def _built(self, wire: Wire) -> str:
        """The wire as nodes: a projection that reads one population, then its routing."""
        op, params = wire.op, {} if wire.weight is None else {"weight": wire.weight}
        if isinstance(op, (Synapse, Sum)):
            op = replace(op, weight=op.weight * wire.factor)
        elif wire.weight is not None and wire.factor != 1.0:
            array = self.builder.array(wire.weight)
            scaled = (array * wire.factor).astype(array.dtype)
            params = {"weight": self.builder.param(f"{wire.weight}.times_{wire.factor!r}", scaled)}
        # the model's own projections are its layers: what is built of one a second time is marked as a copy
        copied = PASS not in wire.provenance.passes and wire.name in self._wired
        self._wired.add(wire.name)
        provenance = wire.provenance.after(DUPLICATE) if copied else wire.provenance
        name = f"{wire.name}_copy" if copied else wire.name
        value = self.builder.add(op, wire.source, name=name, params=params, provenance=provenance)
        for route in wire.routes:
            value = self.add(route, value, name=f"{name}_{route.kind}", provenance=provenance)
        return value

    def output(self, name: str) -> str:
        """A chip output as one value: the population, or the sum of several (a count)."""
        node = self.graph.nodes[name]
        parts = self.spikes(node, self.values[name], "an output of the chip").parts
        return parts[0] if len(parts) == 1 else self.builder.add(Add(), *parts, name=name, provenance=node.provenance)
