"""Checks what a user feeds to an engine: whatever would fail, hang or be rounded later is refused here."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ir.analysis.fan_in import EMITTERS, populations
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.types import Type


def checked_inputs(graph: Graph, inputs: Mapping[str, Array], rule: str) -> dict[str, Array]:
    """
    The inputs of a chip graph as arrays (T, B, *shape) of one T and B; a single step is repeated over the window.

    Raises:
        CompileError: under the id `rule`, for an input that is missing, unknown, of the wrong shape or range, or not finite.
    """
    nodes, is_integer = graph.inputs, graph.is_integer
    _check_names({node.name for node in nodes}, set(inputs), rule)
    arrays = {node.name: np.asarray(inputs[node.name]) for node in nodes}
    for node in nodes:
        _check_shape(node, arrays[node.name], rule)
        _check_values(node, arrays[node.name], is_integer, rule)
    steps = graph.steps or max(array.shape[0] for array in arrays.values())
    batches = {array.shape[1] for array in arrays.values()}
    if not steps:
        raise CompileError(rule, "inputs of 0 steps cannot run")
    if len(batches) != 1 or 0 in batches:
        raise CompileError(rule, f"inputs of {sorted(batches)} samples cannot run together")
    for name, array in arrays.items():
        if array.shape[0] == 1 < steps:
            arrays[name] = np.broadcast_to(array, (steps, *array.shape[1:]))
        elif array.shape[0] != steps:
            raise CompileError(rule, f"input {name!r} has {array.shape[0]} steps, the window has {steps}")
    return arrays


def check_probes(graph: Graph, probes: Collection[str], rule: str) -> None:
    """CompileError, under the id `rule`, unless every probe is a population or an input."""
    emitting = [name for name in probes if name in graph.nodes and graph.nodes[name].op.family in EMITTERS]
    if len(emitting) < len(probes):
        names = [node.name for node in (*populations(graph), *graph.inputs)]
        probe = next(name for name in probes if name not in emitting)
        raise CompileError(rule, f"{probe!r} is no population", hint=f"known: {', '.join(names)}")


def _check_names(names: set[str], given: set[str], rule: str) -> None:
    """The given inputs must be those of the graph, and there must be one."""
    missing, unknown = sorted(names - given), sorted(given - names)
    if missing or unknown:
        problem = f"missing input {missing[0]!r}" if missing else f"unknown input {unknown[0]!r}"
        have, need = (", ".join(sorted(part)) or "none" for part in (given, names))
        raise CompileError(rule, f"{problem}: {have} given, the network has {need}")
    if not names:
        what = "the network has no inputs, which say how many steps and samples to run"
        raise CompileError(rule, what, hint="give it an input, even if nothing reads it")


def _check_shape(node: Node, array: Array, rule: str) -> None:
    if array.ndim < 2 or array.shape[2:] != node.type.shape:
        shape = ", ".join(("T", "B", *map(str, node.type.shape)))
        raise CompileError(rule, f"input {node.name!r} has shape {array.shape}, needs ({shape})")


def _check_values(node: Node, array: Array, is_integer: bool, rule: str) -> None:
    """Finite numbers, in their range where the chip or the type of the input bounds them, whole ones for integers."""
    kind = array.dtype.kind
    if kind not in "biuf" or (kind == "f" and not np.isfinite(array).all()):
        raise CompileError(rule, f"input {node.name!r} holds values that are not finite numbers")
    if not is_integer and node.type.domain.kind != "spike":
        return
    low, high = _range(node.type)
    fits = low <= array.min(initial=0).item() and array.max(initial=0).item() <= high
    if not fits or (is_integer and kind == "f" and (array != np.trunc(array)).any()):
        what = f"input {node.name!r} must hold integers from {low} to {high}"
        raise CompileError(rule, what, hint="real inputs are rounded by the host before they reach the chip")


def _range(type_: Type) -> tuple[int, int]:
    """The least and greatest value of an input type."""
    if type_.domain.kind == "graded":
        return -(1 << (type_.domain.bound - 1)), (1 << (type_.domain.bound - 1)) - 1
    return 0, max(1, type_.domain.bound)
