"""Validation of a chip graph's numbers: what is not an integer would be computed all the same, but never by the chip."""

from __future__ import annotations

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node


def check_parameters(graph: Graph, real: bool) -> None:
    """CompileError unless every parameter is finite, and a whole number where the network is an integer one."""
    for node in graph.nodes.values():
        problem = _problem(graph, node, real)
        if problem:
            hint = "the weights must be finite" if real else "quantise the network first"
            raise CompileError("lava.parameter", f"%{node.name}: {problem}", where=str(node.provenance), hint=hint)


def _problem(graph: Graph, node: Node, real: bool) -> str:
    arrays = graph.arrays(node)
    infinite = [role for role, array in arrays.items() if not np.isfinite(array).all()]
    if infinite:
        return f"{infinite[0]} holds values that are not finite numbers"
    if node.op.family == "projection" and "bias" in arrays:
        return "a bias is the neuron's, not the synapses'"
    if node.op.kind == "delay" and "steps" in arrays and not _are_delays(arrays["steps"]):
        return "steps holds delays that are no whole numbers from 0"
    if real:
        return ""
    broken = [role for role, array in arrays.items() if array.dtype.kind not in "iu"]
    if broken:
        return f"{broken[0]} is of type {arrays[broken[0]].dtype}, the network is one of integers"
    numbers = {name: value for name, value in node.op.attributes().items() if isinstance(value, float)}
    odd = [name for name, value in numbers.items() if not value.is_integer()]
    return f"{odd[0]} is {numbers[odd[0]]}, the network is one of integers" if odd else ""


def _are_delays(steps: Array) -> bool:
    return bool((steps == np.trunc(steps)).all() and (steps >= 0).all())
