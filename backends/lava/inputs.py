"""Validation of what a user feeds to the chip: everything that would fail inside a child process is refused here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.types import Type


def checked_inputs(graph: Graph, inputs: Mapping[str, Array], real: bool) -> dict[str, Array]:
    """The inputs of a chip graph as (T, B, *shape) arrays with one T and B; CompileError for whatever does not fit."""
    wanted = [node.name for node in graph.inputs]
    if sorted(wanted) != sorted(inputs):
        what = f"inputs {', '.join(sorted(inputs)) or 'none'} given, the network has {', '.join(sorted(wanted))}"
        raise CompileError("lava.input", what)
    if not wanted:
        what = "the network has no inputs, which say how many steps and samples to run"
        raise CompileError("lava.input", what, hint="give it an input, even if nothing reads it")
    arrays = {node.name: _checked(node, np.asarray(inputs[node.name]), real) for node in graph.inputs}
    steps = graph.steps or max(array.shape[0] for array in arrays.values())
    batches = {array.shape[1] for array in arrays.values()}
    if not steps:
        raise CompileError("lava.input", "inputs of 0 steps cannot run")
    if len(batches) != 1 or 0 in batches:
        raise CompileError("lava.input", f"inputs of {sorted(batches)} samples cannot run together")
    for name, array in arrays.items():
        if array.shape[0] not in (1, steps):
            raise CompileError("lava.input", f"input {name} has {array.shape[0]} steps, the window has {steps}")
    return {name: np.broadcast_to(array, (steps, *array.shape[1:])) for name, array in arrays.items()}


def played(values: Array, lanes: int = 1) -> Array:
    """(T, B, *shape) as the stream (groups T, lanes elements) in which groups of samples follow each other, filled up."""
    steps, samples = values.shape[:2]
    missing = -samples % lanes
    if missing:
        values = np.concatenate([values, np.zeros((steps, missing, *values.shape[2:]), values.dtype)], axis=1)
    groups = values.reshape(steps, (samples + missing) // lanes, -1)
    return groups.swapaxes(0, 1).reshape(steps * groups.shape[1], -1)


def _checked(node: Node, array: Array, real: bool) -> Array:
    if array.ndim < 2 or array.shape[2:] != node.type.shape:
        what = f"input {node.name} has shape {array.shape}, needs (T, B, {', '.join(map(str, node.type.shape))})"
        raise CompileError("lava.input", what)
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise CompileError("lava.input", f"input {node.name} holds values that are not finite numbers")
    low, high = _range(node.type)
    fits = (real and node.type.domain.kind != "spike") or bool(((array >= low) & (array <= high)).all())
    if not fits or not (real or bool((array == np.trunc(array)).all())):
        what = f"input {node.name} must hold integers from {low} to {high}"
        raise CompileError("lava.input", what, hint="real inputs are rounded by the host before they reach the chip")
    return array


def _range(type_: Type) -> tuple[int, int]:
    """The least and greatest value of an input type."""
    if type_.domain.kind == "graded":
        return -(1 << (type_.domain.bound - 1)), (1 << (type_.domain.bound - 1)) - 1
    return 0, max(1, type_.domain.bound)
