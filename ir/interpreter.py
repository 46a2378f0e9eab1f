"""
The living definition of the IR: runs any graph on numpy or torch arrays, node by node, all steps and samples at once.

Only the nodes on loops run one step after another: what feeds the loops is computed before them, for all steps, and what they
feed after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, is_torch_array

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.base import Value, own_window
from ir.ops.over_time.delay import Past

Watch = Callable[[Node, Value], None]


def interpret(
    graph: Graph,
    inputs: Mapping[str, Value],
    watch: Watch | None = None,
    params: Mapping[str, Any] | None = None,
) -> dict[str, Value]:
    """
    Run `graph` from zero state.

    Args:
        graph: any graph; its window length is `graph.steps`, or the inputs' for a streaming network, that of a value its own.
        inputs: input name -> array (T, B, *shape), time axis of length 1 where the input is static.
        watch: called with every node and its value as it is computed.
        params: what `parameters_like` made of the graph's, for whoever runs it often.

    Returns:
        Output name -> array (T or 1, B, *shape), of the inputs' library.
    """
    steps = graph.steps or max(value.shape[0] for value in inputs.values())
    like = next(iter(inputs.values()))
    params = parameters_like(graph, like) if params is None else params
    order = around_loops(graph)
    last_use = {} if order.looped else _last_use(graph)
    values: dict[str, Value] = {}

    def compute(node: Node) -> None:
        if node.op.kind == "input":
            values[node.name] = inputs[node.name]
        elif node.name not in values:
            arrays = {role: params[name] for role, name in node.params}
            own = own_window((node.type, *graph.args(node)))
            values[node.name] = node.op.run(tuple(values[name] for name in node.inputs), arrays, own or steps)
        if watch is not None:
            watch(node, values[node.name])
        for name in last_use.get(node.name, ()):
            del values[name]

    for node in order.before:
        compute(node)
    for own in dict.fromkeys(node.type.steps for node in order.looped):
        looped = [node for node in order.looped if node.type.steps == own]
        values.update(run_loop(looped, values, params, own or steps, like))
    for node in (*order.looped, *order.after):
        compute(node)
    return {name: values[value] for name, value in graph.outputs.items()}


@dataclass(frozen=True)
class AroundLoops:
    """The nodes of a graph in order, cut in three; without a back edge all of them are in `before`."""

    before: tuple[Node, ...]
    looped: tuple[Node, ...]
    after: tuple[Node, ...]


def around_loops(graph: Graph) -> AroundLoops:
    """Cut a graph in three: the middle holds the back edges and all that lies between them and what they read."""
    nodes, inputs = tuple(graph.nodes.values()), {node.name for node in graph.inputs}
    ends = {name for node in graph.loops for name in (node.name, *node.reads)}
    if not ends:
        return AroundLoops(nodes, (), ())
    reached = _downstream(nodes, ends - inputs)
    looped = reached & _upstream(nodes, ends)
    return AroundLoops(
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
        looped: nodes, in the graph's order.
        values: everything that the nodes read from outside, by name.
        params: parameter arrays by name.
        steps: T.
        like: any input, for the batch and the library.

    Raises:
        CompileError: an operation of the host lies on the loop.
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


def parameters_like(graph: Graph, like: Value) -> dict[str, Any]:
    """All parameters of a graph in the library, and on the device, of `like`."""
    return {name: parameter_like(array, like) for name, array in graph.params.items()}


def parameter_like(array: Array, like: Value) -> Any:
    """A parameter in the library, and on the device, of `like`; its dtype is its own."""
    if not is_torch_array(like):
        return array
    import torch

    return torch.as_tensor(array.copy(), device=like.device)


def _last_use(graph: Graph) -> dict[str, list[str]]:
    """Node name -> the values that nothing needs after it."""
    last = {name: name for name in graph.nodes}
    for node in graph.nodes.values():
        last.update(dict.fromkeys(node.inputs, node.name))
    outputs = set(graph.outputs.values())
    table: dict[str, list[str]] = {}
    for value, reader in last.items():
        if value not in outputs:
            table.setdefault(reader, []).append(value)
    return table


@dataclass
class _Loop:
    """A loop on its way."""

    params: Mapping[str, Any]
    like: Value
    history: list[Mapping[str, Value]]
    """Every value at every step so far."""
    states: dict[str, Any]
    """Node -> what it remembers."""

    def compute(self, node: Node, now: Mapping[str, Value]) -> Value:
        """One step of one node."""
        if isinstance(node.op, Past):
            return self._past(node, node.op)
        if node.op.family == "host":
            what = f"%{node.name}: {node.op.kind} lies on a loop of the network"
            hint = "a loop may hold neurons, projections and routing"
            raise CompileError("ir.loop", what, where=str(node.provenance), hint=hint)
        arrays = {role: self.params[name] for role, name in node.params}
        args = tuple(now[name] for name in node.inputs)
        value, self.states[node.name] = node.op.resume(args, arrays, 1, self.states.get(node.name))
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
