"""The living definition of the IR: runs any graph on numpy or torch arrays, node by node, all steps and samples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from array_api_compat import is_torch_array

from ir.graph import Array, Graph, Node
from ir.loops import phases, run_loop
from ir.ops.base import Value

Watch = Callable[[Node, Value], None]


def interpret(graph: Graph, inputs: Mapping[str, Value], watch: Watch | None = None) -> dict[str, Value]:
    """
    Run `graph` from zero state.

    Args:
        graph: any graph; its window length is `graph.steps`, or the inputs' for a streaming network.
        inputs: input name -> array (T, B, *shape), time axis of length 1 where the input is static.
        watch: called with every node and its value as it is computed.

    Returns:
        Output name -> array (T or 1, B, *shape), of the inputs' library.
    """
    steps = graph.steps or max(value.shape[0] for value in inputs.values())
    like = next(iter(inputs.values()))
    params = {name: parameter_like(array, like) for name, array in graph.params.items()}
    order = phases(graph)
    last_use = {} if order.looped else _last_use(graph)
    values: dict[str, Value] = {}

    def compute(node: Node) -> None:
        if node.op.kind == "input":
            values[node.name] = inputs[node.name]
        elif node.name not in values:
            own = {role: params[name] for role, name in node.params}
            values[node.name] = node.op.run(tuple(values[name] for name in node.inputs), own, steps)
        if watch is not None:
            watch(node, values[node.name])
        for name in last_use.get(node.name, ()):
            del values[name]

    for node in order.before:
        compute(node)
    if order.looped:
        values.update(run_loop(order.looped, values, params, steps, like))
    for node in (*order.looped, *order.after):
        compute(node)
    return {name: values[value] for name, value in graph.outputs.items()}


def parameter_like(array: Array, like: Value) -> Any:
    """A parameter in the library, and on the device, of `like`; its own number type is kept."""
    if not is_torch_array(like):
        return array
    import torch

    return torch.as_tensor(array.copy(), device=like.device)


def _last_use(graph: Graph) -> dict[str, list[str]]:
    """Node name -> the values that nothing needs after it."""
    last = {name: name for name in graph.nodes}
    for node in graph.nodes.values():
        last.update(dict.fromkeys(node.inputs, node.name))
    kept = set(graph.outputs.values())
    table: dict[str, list[str]] = {}
    for value, reader in last.items():
        if value not in kept:
            table.setdefault(reader, []).append(value)
    return table
