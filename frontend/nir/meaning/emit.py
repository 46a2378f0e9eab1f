"""One attempt to build the IR graph of a planned NIR network, with given types at its back edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frontend.nir.fresh import fresh
from frontend.nir.meaning.recurrence import Lags
from frontend.nir.reading.network import NirNetwork
from ir.graph import Array, Graph, GraphBuilder, Provenance
from ir.ops import Add, Delay, Input, Op, Past, Synapse

Step = tuple[Op, dict[str, Array]]
"""An operation on the value of the one before it, and its parameters."""


@dataclass(frozen=True)
class Plan:
    """
    What is known of a network before anything is built.

    steps: NIR node -> its operations, on the sum of its operands. values: NIR node -> name of its value. domains: Input node ->
    domain. window: steps of a window, 0 for streaming.
    """

    network: NirNetwork
    lags: Lags
    steps: Mapping[str, list[Step]]
    values: Mapping[str, str]
    domains: Mapping[str, str]
    name: str
    window: int
    dtype: str


def build(plan: Plan, types: Mapping[str, str]) -> tuple[Graph, dict[str, str]]:
    """
    The graph, and the types that the values at back edges turn out to have.

    Args:
        types: NIR node -> the type that its value is taken to have where a back edge leaves it.
    """
    return _Build(plan, types).run()


class _Build:
    def __init__(self, plan: Plan, types: Mapping[str, str]) -> None:
        self._plan, self._types = plan, types
        self._builder = GraphBuilder(plan.name, plan.window, dtype=plan.dtype)
        self._taken = set(plan.values.values())
        self._late: dict[tuple[str, int, bool], str] = {}
        self._looped: set[str] = set()
        self._entering: dict[str, list[int]] = {key: [] for key in plan.network.nodes}
        for number, (_, end) in enumerate(plan.network.edges):
            self._entering[end].append(number)

    def run(self) -> tuple[Graph, dict[str, str]]:
        plan = self._plan
        outputs: dict[str, str] = {}
        for key in plan.lags.order:
            value = self._node(key)
            if plan.network.nodes[key].kind == "Output":
                outputs[key] = value
        actual = {key: str(self._builder.type(plan.values[key])) for key in self._looped}
        return self._builder.build({plan.values[key]: outputs[key] for key in plan.network.outputs}), actual

    def _node(self, key: str) -> str:
        """Append the operations of a node; the last one bears its name, so that back edges can refer to it."""
        node, name = self._plan.network.nodes[key], self._plan.values[key]
        if node.kind == "Input":
            shape = "x".join(map(str, node.output_shape))
            return self._add(Input(f"{self._plan.domains[key]}[{shape}]"), name=name, key=key)
        steps = self._plan.steps[key]
        value = self._operand(key, name if node.kind == "Delay" and not steps else "")
        for number, (op, arrays) in enumerate(steps):
            last = number == len(steps) - 1
            made = name if last else self._fresh(f"{name}_{op.kind}")
            value = self._add(op, value, name=made, key=key, arrays=arrays)
        return value

    def _operand(self, key: str, name: str) -> str:
        """The sum of what the edges into a node carry; called `name` unless that is empty."""
        entering = self._entering[key]
        if not entering:
            return self._nothing(key)
        if len(entering) == 1:
            return self._carried(entering[0], name)
        parts = [self._carried(number, "") for number in entering]
        return self._add(Add(), *parts, name=name or self._fresh(f"{self._plan.values[key]}_sum"), key=key)

    def _carried(self, number: int, name: str) -> str:
        """The value at the end of an edge; a late one called `name` unless that is empty."""
        lags = self._plan.lags
        start = self._origin(self._plan.network.edges[number][0])
        lag, inside = lags.lag[number], lags.inside[number]
        if not lag:
            return self._plan.values[start]
        place = (start, lag, inside)
        if place not in self._late or name:
            made = name or self._fresh(f"{self._plan.values[start]}_{'past' if inside else 'late'}")
            self._late[place] = self._delayed(start, lag, inside, made)
        return self._late[place]

    def _origin(self, key: str) -> str:
        """The node whose value a node passes on unchanged: a Delay whose steps have all gone elsewhere; else the node itself."""
        while self._plan.network.nodes[key].kind == "Delay" and not self._plan.steps[key]:
            entering = self._entering[key]
            if len(entering) != 1 or self._plan.lags.lag[entering[0]]:
                break
            key = self._plan.network.edges[entering[0]][0]
        return key

    def _delayed(self, start: str, lag: int, inside: bool, name: str) -> str:
        value = self._plan.values[start]
        if not inside:
            return self._add(Delay(lag), value, name=name, key=start)
        self._looped.add(start)
        return self._add(Past(value, self._types[start], lag), name=name, key=start)

    def _nothing(self, key: str) -> str:
        """The current 0 of a population without edges: its own past, weighted with 0."""
        value = self._plan.values[key]
        self._looped.add(key)
        past = self._add(Past(value, self._types[key]), name=self._fresh(f"{value}_past"), key=key)
        return self._add(Synapse(0.0), past, name=self._fresh(f"{value}_zero"), key=key)

    def _fresh(self, name: str) -> str:
        """A name that no node of the network has or will have."""
        unique = fresh(name, self._taken)
        self._taken.add(unique)
        return unique

    def _add(self, op: Op, *inputs: str, name: str, key: str, arrays: Mapping[str, Array] | None = None) -> str:
        params = {role: self._builder.param(f"{name}.{role}", array) for role, array in (arrays or {}).items()}
        return self._builder.add(op, *inputs, name=name, params=params, provenance=Provenance(key))
