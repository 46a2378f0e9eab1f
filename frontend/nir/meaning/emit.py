"""One attempt to build the IR graph of a NIR network in discrete time, with assumed types at its back edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frontend.nir.meaning.projections import OpWithParams
from frontend.nir.meaning.recurrence import Lags
from frontend.nir.reading.network import NirNetwork
from ir.graph import Array, Graph, GraphBuilder, Provenance, free_name
from ir.ops import Add, Delay, Input, Op, Past, Synapse


@dataclass(frozen=True)
class DiscreteNetwork:
    """A NIR network in discrete time: everything about its graph that does not depend on the types on its loops."""

    source: NirNetwork
    lags: Lags
    ops: Mapping[str, list[OpWithParams]]
    """NIR node -> its operations, the first one on the sum of the node's operands."""
    values: Mapping[str, str]
    """NIR node -> name of its value."""
    domains: Mapping[str, str]
    """Input node -> domain."""
    name: str
    """Of the graph."""
    window: int
    """Steps of a window, 0 for streaming."""
    dtype: str


def build(network: DiscreteNetwork, types: Mapping[str, str]) -> tuple[Graph, dict[str, str]]:
    """
    The graph, and the types that the values at back edges turn out to have.

    Args:
        types: NIR node -> the type that its value is taken to have where a back edge leaves it.
    """
    return _GraphOfNetwork(network, types).build()


class _GraphOfNetwork:
    """The graph under construction, node by node in the order of `Lags`."""

    def __init__(self, network: DiscreteNetwork, types: Mapping[str, str]) -> None:
        self._network, self._types = network, types
        self._builder = GraphBuilder(network.name, network.window, dtype=network.dtype)
        self._taken = set(network.values.values())
        self._late: dict[tuple[str, int, bool], str] = {}
        self._looped: set[str] = set()
        self._entering: dict[str, list[int]] = {key: [] for key in network.source.nodes}
        for number, (_, end) in enumerate(network.source.edges):
            self._entering[end].append(number)

    def build(self) -> tuple[Graph, dict[str, str]]:
        """All nodes; the graph, and the types at its back edges."""
        network = self._network
        outputs: dict[str, str] = {}
        for key in network.lags.order:
            value = self._node(key)
            if network.source.nodes[key].kind == "Output":
                outputs[key] = value
        actual = {key: str(self._builder.type(network.values[key])) for key in self._looped}
        return self._builder.build({network.values[key]: outputs[key] for key in network.source.outputs}), actual

    def _node(self, key: str) -> str:
        """Append the operations of a node; the last one bears its name, so that back edges can refer to it."""
        node, name = self._network.source.nodes[key], self._network.values[key]
        if node.kind == "Input":
            shape = "x".join(map(str, node.output_shape))
            return self._add(Input(f"{self._network.domains[key]}[{shape}]"), name=name, key=key)
        ops = self._network.ops[key]
        value = self._operand(key, name if node.kind == "Delay" and not ops else "")
        for number, (op, arrays) in enumerate(ops):
            last = number == len(ops) - 1
            label = name if last else self._free_name(f"{name}_{op.kind}")
            value = self._add(op, value, name=label, key=key, arrays=arrays)
        return value

    def _operand(self, key: str, name: str) -> str:
        """The sum of what the edges into a node carry; called `name` unless that is empty."""
        entering = self._entering[key]
        if not entering:
            return self._zero(key)
        if len(entering) == 1:
            return self._carried(entering[0], name)
        parts = [self._carried(number, "") for number in entering]
        return self._add(Add(), *parts, name=name or self._free_name(f"{self._network.values[key]}_sum"), key=key)

    def _carried(self, number: int, name: str) -> str:
        """The value at the end of an edge; a late one called `name` unless that is empty."""
        lags = self._network.lags
        start = self._origin(self._network.source.edges[number][0])
        lag, inside = lags.lag[number], lags.inside[number]
        if not lag:
            return self._network.values[start]
        place = (start, lag, inside)
        if place not in self._late or name:
            label = name or self._free_name(f"{self._network.values[start]}_{'past' if inside else 'late'}")
            self._late[place] = self._delayed(start, lag, inside, label)
        return self._late[place]

    def _origin(self, key: str) -> str:
        """The node whose value a node passes on unchanged: a Delay whose steps have all gone elsewhere; else the node itself."""
        while self._network.source.nodes[key].kind == "Delay" and not self._network.ops[key]:
            entering = self._entering[key]
            if len(entering) != 1 or self._network.lags.lag[entering[0]]:
                break
            key = self._network.source.edges[entering[0]][0]
        return key

    def _delayed(self, start: str, lag: int, inside: bool, name: str) -> str:
        """The value of a node some steps late: by a delay line, or by a back edge where the edge lies inside a loop."""
        value = self._network.values[start]
        if not inside:
            return self._add(Delay(lag), value, name=name, key=start)
        self._looped.add(start)
        return self._add(Past(value, self._types[start], lag), name=name, key=start)

    def _zero(self, key: str) -> str:
        """The current 0 of a population without edges: its own past, weighted with 0."""
        value = self._network.values[key]
        self._looped.add(key)
        past = self._add(Past(value, self._types[key]), name=self._free_name(f"{value}_past"), key=key)
        return self._add(Synapse(0.0), past, name=self._free_name(f"{value}_zero"), key=key)

    def _free_name(self, name: str) -> str:
        """A name that no node of the network has or will have."""
        unique = free_name(name, self._taken)
        self._taken.add(unique)
        return unique

    def _add(self, op: Op, *inputs: str, name: str, key: str, arrays: Mapping[str, Array] | None = None) -> str:
        params = {role: self._builder.param(f"{name}.{role}", array) for role, array in (arrays or {}).items()}
        return self._builder.add(op, *inputs, name=name, params=params, provenance=Provenance(key))
