"""
A graph on its way to synapses: the lowered graph so far, and what every value of the source graph has become in it.

The rules share these few moves: take an operand as populations or as a current, spread a population over a shape, build a
neuron. A node that lowering adds carries PASS in its `where`, the model's own neurons and projections do not: that is how
`ir.analysis.resources`, the energy model and the report tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import numpy as np

from ir.errors import DeployError, Violation
from ir.graph import Array, Graph, GraphBuilder, Node, Provenance
from ir.lowerings.forms import Complement, Current, Form, Product, Spikes, Wire, narrowest
from ir.ops import Add, Expand, Gate, Lif, Reshape, Sum, Synapse
from ir.ops.base import Op

PASS = "lower_to_synapses"
RESIDUAL = "residual=duplicate"
"""Mark of a projection's second and later copies: one per population of a residual sum, and per reader."""


class Lowering:
    """
    The state of the pass.

    forms: value of the source graph -> what it is now. relayed: currents that back edges read, and that therefore need
    neurons which emit them.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = GraphBuilder(graph.name, graph.steps, graph.params, graph.dtype)
        self.forms: dict[str, Form] = {}
        self.relayed: set[str] = set()
        self._wired: set[str] = set()
        self._negated: dict[str, str] = {}

    def operands(self, node: Node) -> tuple[Form, ...]:
        """What a node's operands have become."""
        return tuple(self.forms[name] for name in node.inputs)

    def spikes(self, node: Node, form: Form, what: str) -> Spikes:
        """An operand that must be spikes or payloads; DeployError where it is a current."""
        if isinstance(form, Complement):
            return Spikes((self._not(form),))
        if not isinstance(form, Spikes):
            hint = "put neurons between the two, or merge the two linear maps into one"
            self.refuse(node, "lower.current", f"{what} would read a current that no neuron has taken", hint=hint)
        return form

    def refuse(self, node: Node, rule: str, what: str, *, hint: str) -> NoReturn:
        """Raise the DeployError for a node that no lowering can express."""
        where = str(node.provenance) or self.graph.name
        raise DeployError([Violation(rule=rule, what=f"%{node.name}: {what}", where=where, hint=hint)])

    def is_graded(self, part: str) -> bool:
        """Whether a population sends payloads."""
        return self.builder.type(part).domain.kind == "graded"

    def current(self, form: Form, name: str, provenance: Provenance) -> Current:
        """A value as a current: populations get one unit synapse per element, named `name`; negated ones -1 and a constant."""
        if isinstance(form, Current):
            return form
        if isinstance(form, Complement):
            shape = self.builder.type(form.part).shape
            bias = np.ones((1,) * len(shape), np.float32)
            return Current(shape, (Wire(form.part, Synapse(-1.0), name, provenance),), bias)
        assert not isinstance(form, Product), "a product is read by a matrix product only"
        shape = self.builder.type(form.parts[0]).shape
        return Current(shape, tuple(Wire(part, Synapse(), name, provenance) for part in form.parts))

    def _not(self, form: Complement) -> str:
        """The population that fires where another does not: [1 - x >= 1]; one neuron and synapse per element, made once."""
        if form.part not in self._negated:
            current = self.current(form, f"{form.name}_in", form.provenance)
            op = Lif(decay=1.0, form="sum")
            self._negated[form.part] = self.neuron(op, current, form.name, form.provenance)
        return self._negated[form.part]

    def add(self, op: Op, *inputs: str, name: str, provenance: Provenance) -> str:
        """Append a node that the model does not have; names of the model's own nodes stay free for them."""
        free = f"{name}_added" if name in self.graph.nodes else name
        return self.builder.add(op, *inputs, name=free, provenance=provenance)

    def spread(self, part: str, shape: tuple[int, ...], name: str, provenance: Provenance) -> str:
        """A population broadcast to `shape`, as numpy broadcasts: axes of length 1 feed several wires."""
        have = self.builder.type(part).shape
        if len(have) < len(shape):
            have = (*(1,) * (len(shape) - len(have)), *have)
            part = self.add(Reshape(have), part, name=f"{name}_rows", provenance=provenance)
        return part if have == shape else self.add(Expand(shape), part, name=f"{name}_wires", provenance=provenance)

    def reshaped(self, part: str, shape: tuple[int, ...], name: str, provenance: Provenance) -> str:
        """A population in another shape of the same size."""
        if self.builder.type(part).shape == shape:
            return part
        return self.add(Reshape(shape), part, name=f"{name}_rows", provenance=provenance)

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
        values = [self._built(wire) for wire in current.wires]
        opening = [self._built(wire) for enable in enables for wire in enable.wires]
        params = dict(constants or {})
        if current.bias is not None and np.any(current.bias):
            params["bias"] = self.builder.param(f"{name}.bias", current.bias)
        op = replace(op, enables=len(opening)) if isinstance(op, Gate) else op
        return self.builder.add(op, *values, *opening, name=name, params=params, provenance=provenance)

    def _built(self, wire: Wire) -> str:
        """The wire as nodes: a projection that reads one population, then its routing."""
        op, params = wire.op, {} if wire.weight is None else {"weight": wire.weight}
        if isinstance(op, (Synapse, Sum)):
            op = replace(op, weight=op.weight * wire.factor)
        elif wire.weight is not None and wire.factor != 1.0:
            array = self.builder.array(wire.weight)
            scaled = (array * wire.factor).astype(array.dtype)
            params = {"weight": self.builder.param(f"{wire.weight}.times_{wire.factor!r}", scaled)}
        copied = PASS not in wire.provenance.passes and wire.name in self._wired
        self._wired.add(wire.name)
        provenance = wire.provenance.after(RESIDUAL) if copied else wire.provenance
        name = f"{wire.name}_copy" if copied else wire.name
        value = self.builder.add(op, wire.source, name=name, params=params, provenance=provenance)
        for route in wire.routes:
            value = self.add(route, value, name=f"{name}_{route.kind}", provenance=provenance)
        return value

    def output(self, value: str) -> str:
        """A chip output as one value: the population, or the sum of several (a count)."""
        form, node = self.forms[value], self.graph.nodes[value]
        parts = self.spikes(node, form, "an output of the chip").parts
        return parts[0] if len(parts) == 1 else self.builder.add(Add(), *parts, name=value, provenance=node.provenance)


def routed_bias(bias: Array, shape: tuple[int, ...], op: Op) -> Array:
    """What a routing operation makes of a constant that broadcasts against `shape`."""
    full = np.broadcast_to(bias, shape)[None, None]
    return narrowest(np.asarray(op.run((full,), {}, 1))[0, 0])


def joint_bias(biases: list[Array | None]) -> Array | None:
    """The sum of the constants, None where there is none."""
    known = [bias for bias in biases if bias is not None]
    return sum(known[1:], known[0]) if known else None
