"""
Recurrence: which nodes of a graph lie on its loops, and how they run, one step after another.

Everything else needs no step by step: what feeds the loops is computed before them, for all steps at once, the rest after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.base import Value
from ir.ops.delay import Past


@dataclass(frozen=True)
class Phases:
    """The nodes of a graph in order, cut in three; without a back edge all of them are in `before`."""

    before: tuple[Node, ...]
    looped: tuple[Node, ...]
    after: tuple[Node, ...]


def phases(graph: Graph) -> Phases:
    """The three phases of a graph: the middle one holds the back edges and all that lies between them and what they read."""
    nodes, inputs = tuple(graph.nodes.values()), {node.name for node in graph.inputs}
    ends = {name for node in graph.loops for name in (node.name, *node.reads)}
    if not ends:
        return Phases(nodes, (), ())
    reached = _downstream(nodes, ends - inputs)
    looped = reached & _upstream(nodes, ends)
    return Phases(
        tuple(node for node in nodes if node.name not in reached),
        tuple(node for node in nodes if node.name in looped),
        tuple(node for node in nodes if node.name in reached - looped),
    )


def run_loop(
    looped: Iterable[Node], values: Mapping[str, Value], params: Mapping[str, Any], steps: int, like: Value
) -> dict[str, Value]:
    """
    The values of the looped nodes, (T, B, *shape) each, from zero state.

    Args:
        values: everything that the nodes read from outside. params: parameter arrays by name. like: any input, for the batch.
    """
    looped = tuple(looped)
    loop = _Loop(params, like, [], {})
    for step in range(steps):
        now = {name: value if value.shape[0] == 1 else value[step : step + 1] for name, value in values.items()}
        for node in looped:
            now[node.name] = loop.compute(node, now)
        loop.history.append(now)
    xp = array_namespace(like)
    return {node.name: xp.concat([now[node.name] for now in loop.history]) for node in looped}


@dataclass
class _Loop:
    """history: every value at every step so far. states: node -> what it remembers."""

    params: Mapping[str, Any]
    like: Value
    history: list[Mapping[str, Value]]
    states: dict[str, Any]

    def compute(self, node: Node, now: Mapping[str, Value]) -> Value:
        """One step of one node."""
        if isinstance(node.op, Past):
            return self._past(node, node.op)
        if node.op.family == "host":
            what = f"%{node.name}: {node.op.kind} lies on a loop of the network"
            raise CompileError(
                "ir.loop", what, where=str(node.provenance), hint="a loop may hold neurons, projections and routing"
            )
        own = {role: self.params[name] for role, name in node.params}
        args = tuple(now[name] for name in node.inputs)
        value, self.states[node.name] = node.op.resume(args, own, 1, self.states.get(node.name))
        return value

    def _past(self, node: Node, op: Past) -> Value:
        """What the value was, or zeros of its type before the first step."""
        if len(self.history) >= op.steps:
            return self.history[-op.steps][op.of]
        xp, batch = array_namespace(self.like), self.like.shape[1]
        return xp.zeros_like(xp.broadcast_to(self.like.reshape(-1)[:1], (1, batch, *node.type.shape)))


def _downstream(nodes: Iterable[Node], roots: set[str]) -> set[str]:
    reached = set(roots)
    for node in nodes:
        if reached & set(node.inputs):
            reached.add(node.name)
    return reached


def _upstream(nodes: tuple[Node, ...], roots: set[str]) -> set[str]:
    reached = set(roots)
    for node in reversed(nodes):
        if node.name in reached:
            reached.update(node.inputs)
    return reached
