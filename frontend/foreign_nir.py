"""
NIR graphs of other programs -> IR, read as NIR defines them: forward Euler, firing strictly above the threshold, reset in the
same step, state from 0, edges into one node add up.

What a file does not say is never guessed: the time step must be in the graph's metadata (`dt`, in the unit of tau), where
frameworks differ most. `steps` (the length of a window, 0 for streaming) and an input's `domain` (`spike` or `real`) may be.
"""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any

import nir
import numpy as np

from frontend.recorder import node_name
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder, Where
from ir.ops import Add, Conv, Input, Lif, Linear, Op, Reshape, Scale

Made = tuple[Op, dict[str, Array]]


def read_foreign(graph: nir.NIRGraph, name: str = "network") -> Graph:
    """
    The IR graph of a NIR graph that another program made.

    Raises:
        CompileError: without a time step, for cycles, and for nodes without a rule (see `FOREIGN_RULES`).
    """
    if "dt" not in graph.metadata:
        raise CompileError("nir.dt", "the graph does not say its time step",
                           hint="set graph.metadata['dt'], in the unit of its time constants")  # fmt: skip
    dt = float(graph.metadata["dt"])
    builder = GraphBuilder(name, int(graph.metadata.get("steps", 0)))
    sources = {key: list(dict.fromkeys(a for a, b in graph.edges if b == key)) for key in graph.nodes}
    values: dict[str, str] = {}
    for key in _order(sources):
        values[key] = _add(builder, key, graph.nodes[key], [values[source] for source in sources[key]], dt)
    outputs = {node_name(key): values[key] for key, node in graph.nodes.items() if isinstance(node, nir.Output)}
    if not outputs:
        raise CompileError("nir.empty", "the graph has no outputs")
    return builder.build(outputs)


def _order(sources: dict[str, list[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        raise CompileError("nir.cycle", f"the graph has a cycle: {' -> '.join(error.args[1])}",
                           hint="recurrent networks cannot be compiled yet") from error  # fmt: skip


def _add(builder: GraphBuilder, key: str, node: Any, operands: list[str], dt: float) -> str:
    """Append one node, its operands added up first; the value's name."""
    where = Where(key)
    if isinstance(node, nir.Input):
        shape = "x".join(str(int(size)) for size in node.input_type["input"])
        return builder.add(Input(f"{node.metadata.get('domain', 'real')}[{shape}]"), name=node_name(key), where=where)
    if not operands:
        raise CompileError("nir.edge", f"node {key} has no input", key)
    value = operands[0]
    if len(operands) > 1:
        value = builder.add(Add(), *operands, name=f"{node_name(key)}_sum", where=where)
    if isinstance(node, nir.Output):
        return value
    rule = FOREIGN_RULES.get(type(node))
    if rule is None:
        known = ", ".join(sorted(kind.__name__ for kind in FOREIGN_RULES))
        raise CompileError("nir.node", f"no rule for {type(node).__name__}", key, f"known: {known}")
    try:
        op, arrays = rule(node, builder.type(value).shape, dt)
    except CompileError as error:
        raise CompileError(error.rule, error.what, key, error.hint) from None
    params = {role: builder.param(f"{node_name(key)}.{role}", np.asarray(array)) for role, array in arrays.items()}
    return builder.add(op, value, name=node_name(key), params=params, where=where)


def _linear(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    return Linear(), {"weight": node.weight}


def _affine(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    return Linear(), {"weight": node.weight, "bias": node.bias}


def _conv(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    rank = node.weight.ndim - 2
    if isinstance(node.padding, str):
        raise CompileError(
            "nir.padding", f"padding {node.padding!r} is not a number", hint="write the padding as numbers"
        )
    each = lambda value: tuple(int(n) for n in np.broadcast_to(value, rank))  # noqa: E731
    op = Conv(each(node.stride), each(node.padding), each(node.dilation), int(node.groups))
    return op, {"weight": node.weight, "bias": node.bias}


def _flatten(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    start, end = int(node.start_dim) % len(shape), int(node.end_dim) % len(shape)
    return Reshape((*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])), {}


def _scale(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    return Scale(), {"weight": node.scale}


def _lif(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    """tau v' = (v_leak - v) + r x."""
    return Lif(decay=dt / _uniform(node.tau), gain=_uniform(node.r), leak=_uniform(node.v_leak), **_firing(node)), {}


def _if(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    """v' = r x."""
    return Lif(decay=0.0, form="sum", gain=dt * _uniform(node.r), **_firing(node)), {}


def _threshold(node: Any, shape: tuple[int, ...], dt: float) -> Made:
    return Lif(decay=1.0, form="sum", threshold=_uniform(node.threshold), comparator=">"), {}


def _firing(node: Any) -> dict[str, Any]:
    return {"threshold": _uniform(node.v_threshold), "v_reset": _uniform(node.v_reset), "comparator": ">"}


def _uniform(array: Array) -> float:
    """The one value that all neurons share."""
    values = np.unique(np.asarray(array))
    if len(values) != 1:
        raise CompileError("nir.uniform", f"the neurons of one population have {len(values)} different constants",
                           hint="a population shares its constants; split it")  # fmt: skip
    return float(values[0])


FOREIGN_RULES: dict[type, Callable[[Any, tuple[int, ...], float], Made]] = {
    nir.Linear: _linear,
    nir.Affine: _affine,
    nir.Conv1d: _conv,
    nir.Conv2d: _conv,
    nir.Flatten: _flatten,
    nir.Scale: _scale,
    nir.LIF: _lif,
    nir.IF: _if,
    nir.Threshold: _threshold,
}
"""NIR node -> the IR operation and its parameters."""
