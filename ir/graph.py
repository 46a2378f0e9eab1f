"""
The graph: an ordered mapping from value names to nodes, topological by construction, with parameters in a side table.

A node makes exactly one value, named like the node. Everything is immutable: a pass builds a new graph, and a pass that
changes nothing returns the very object that it was given.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ir.errors import CompileError
from ir.ops.base import Op, result_type
from ir.ops.integer_neuron import IntegerNeuron, IntegerPotential
from ir.ops.over_time.delay import Past
from ir.types import Type

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Provenance:
    """Where a node comes from: the model's module path, and the passes that made or changed it."""

    module: str = ""
    passes: tuple[str, ...] = ()

    def after(self, name: str) -> Provenance:
        """The same origin with one more pass."""
        return self if name in self.passes else replace(self, passes=(*self.passes, name))

    def __str__(self) -> str:
        return self.module + (f" ({', '.join(self.passes)})" if self.passes else "")


@dataclass(frozen=True)
class Node:
    """One operation."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    """Operands, by the names of the nodes that make them."""
    type: Type
    """Of the result."""
    params: tuple[tuple[str, str], ...] = ()
    """(role, name in the graph's table of arrays)."""
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def reads(self) -> tuple[str, ...]:
        """The values that the node depends on: its operands, or what its back edge comes from."""
        return (self.op.of,) if isinstance(self.op, Past) else self.inputs

    def param(self, role: str) -> str | None:
        """The side-table name of a parameter, or None where the node has none of that role."""
        return dict(self.params).get(role)


@dataclass(frozen=True, eq=False)
class Graph:
    """One time step of one sample."""

    name: str
    steps: int
    """T of the window that starts from zero state; 0 for a streaming network."""
    nodes: Mapping[str, Node]
    """Name -> node, operands before their readers."""
    outputs: Mapping[str, str]
    """Output -> value."""
    params: Mapping[str, Array] = field(default_factory=dict[str, Array])
    """Name -> read-only array."""
    dtype: str = "float32"
    """That of the source's arithmetic, float32 or float64; a quantised graph has integers of its own."""

    def __post_init__(self) -> None:
        for table in ("nodes", "outputs", "params"):
            object.__setattr__(self, table, MappingProxyType(dict(getattr(self, table))))

    def __reduce__(self) -> tuple[Any, ...]:
        """As plain tables, for other processes; read-only views of tables cannot travel."""
        tables = (dict(self.nodes), dict(self.outputs), dict(self.params))
        return Graph, (self.name, self.steps, *tables, self.dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        mine, others = (
            (each.name, each.steps, each.dtype, list(each.nodes.items()), dict(each.outputs), set(each.params))
            for each in (self, other)
        )
        return mine == others and all(_same(array, other.params[key]) for key, array in self.params.items())

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The input nodes, in order."""
        return tuple(node for node in self.nodes.values() if node.op.kind == "input")

    @property
    def loops(self) -> tuple[Node, ...]:
        """The back edges (`past` nodes), in order; none where the network has no recurrence."""
        return tuple(node for node in self.nodes.values() if isinstance(node.op, Past))

    @property
    def is_integer(self) -> bool:
        """Whether the graph is quantised: it has neurons of the chip, or weights in integers."""
        weights = [key for node in self.nodes.values() for role, key in node.params if role == "weight"]
        neurons = any(isinstance(node.op, IntegerNeuron | IntegerPotential) for node in self.nodes.values())
        return neurons or any(self.params[key].dtype.kind == "i" for key in weights)

    def lasting(self, steps: int) -> Graph:
        """The same graph for windows of another number of steps."""
        return replace(self, steps=steps)

    def users(self) -> dict[str, list[Node]]:
        """Value name -> the nodes that read it, in order; outputs are not users."""
        table: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for source in dict.fromkeys(node.inputs):
                table[source].append(node)
        return table

    def args(self, node: Node) -> tuple[Type, ...]:
        """The types of a node's operands."""
        return tuple(self.nodes[name].type for name in node.inputs)

    def arrays(self, node: Node) -> dict[str, Array]:
        """A node's parameters: role -> array."""
        return {role: self.params[name] for role, name in node.params}


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or the first of name_2, name_3 ... that is not in `taken`."""
    unique, copies = name, 1
    while unique in taken:
        copies += 1
        unique = f"{name}_{copies}"
    return unique


class GraphBuilder:
    """Builds a graph node by node; every type is inferred here, once."""

    def __init__(
        self, name: str, steps: int, params: Mapping[str, Array] | None = None, dtype: str = "float32"
    ) -> None:
        self._name, self._steps, self._dtype = name, steps, dtype
        self._nodes: dict[str, Node] = {}
        self._params: dict[str, Array] = dict(params or {})

    def type(self, value: str) -> Type:
        """The type of a value built so far."""
        return self._nodes[value].type

    def node(self, value: str) -> Node:
        """The node that makes a value built so far."""
        return self._nodes[value]

    def has(self, value: str) -> bool:
        """Whether a value of this name is built."""
        return value in self._nodes

    def array(self, param: str) -> Array:
        """A parameter in the table."""
        return self._params[param]

    def param(self, name: str, array: Array) -> str:
        """Store a parameter under `name` (made unique when another array has it) and return the name."""
        array = np.asarray(array, order="C")
        unique, copies = name, 1
        while unique in self._params and not _same(self._params[unique], array):
            copies += 1
            unique = f"{name}.{copies}"
        if unique not in self._params:
            array = array if not array.flags.writeable else array.copy()
            array.setflags(write=False)
            self._params[unique] = array
        return unique

    def free_name(self, name: str) -> str:
        """The name that a node asking for `name` gets."""
        return free_name(name, self._nodes)

    def add(
        self,
        op: Op,
        *inputs: str,
        name: str,
        params: Mapping[str, str] | None = None,
        provenance: Provenance | None = None,
    ) -> str:
        """Append a node (its name made unique), infer its type, and return the name of its value."""
        unique = self.free_name(name)
        origin = provenance or Provenance()
        for value in inputs:
            assert value in self._nodes, f"{unique} reads {value}, which is not built yet"
        shapes = {role: self._params[key].shape for role, key in (params or {}).items()}
        try:
            result = result_type(op, [self._nodes[value].type for value in inputs], shapes, self._steps)
        except CompileError as error:
            raise error.placed(f"%{unique}  {origin}") from None
        self._nodes[unique] = Node(unique, op, inputs, result, tuple((params or {}).items()), origin)
        return unique

    def copy(self, node: Node, inputs: Iterable[str]) -> str:
        """Append a node of another graph with new operands (its parameters must be in the table)."""
        return self.add(node.op, *inputs, name=node.name, params=dict(node.params), provenance=node.provenance)

    def revise(
        self,
        value: str,
        op: Op,
        *inputs: str,
        params: Mapping[str, str] | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        """Make a node another one, of the same type; what it reads, without reading it, moves before it."""
        node, stored = self._nodes[value], dict(params or {})
        shapes = {role: self._params[key].shape for role, key in stored.items()}
        result = result_type(op, [self._nodes[name].type for name in inputs], shapes, self._steps)
        assert result == node.type, f"{value} becomes {result}"
        self._nodes[value] = Node(value, op, inputs, result, tuple(stored.items()), provenance or node.provenance)
        names = list(self._nodes)
        operands = {name: node.inputs for name, node in self._nodes.items()}
        earlier = _needed(operands, inputs) - set(names[: names.index(value)])
        assert value not in earlier, f"{value} reads itself"
        moved = [name for name in names if name in earlier]
        rest = [name for name in names if name not in earlier]
        place = rest.index(value)
        self._nodes = {name: self._nodes[name] for name in (*rest[:place], *moved, *rest[place:])}

    def build(self, outputs: Mapping[str, str]) -> Graph:
        """The finished graph: nodes that no output needs are dropped (inputs stay), unused parameters too."""
        needed = _needed({name: node.reads for name, node in self._nodes.items()}, outputs.values())
        nodes = {name: node for name, node in self._nodes.items() if name in needed or node.op.kind == "input"}
        used = {key for node in nodes.values() for _, key in node.params}
        params = {key: array for key, array in self._params.items() if key in used}
        return Graph(self._name, self._steps, nodes, dict(outputs), params, self._dtype)


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b)))


def _needed(reads: Mapping[str, tuple[str, ...]], roots: Iterable[str]) -> set[str]:
    stack, visited = list(roots), set[str]()
    while stack:
        name = stack.pop()
        if name not in visited:
            visited.add(name)
            stack.extend(reads[name])
    return visited
