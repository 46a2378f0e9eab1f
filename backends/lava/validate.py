"""
Proves that a run computes what the chip would: its numbers are the chip's, and no sum leaves what floats hold exactly.

Everything is found before Lava builds a process, since an error inside a child is invisible and hangs the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ir.analysis.ranges import fits_float64, magnitudes
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.types import graded


def check_parameters(graph: Graph, real: bool) -> None:
    """CompileError unless every parameter is finite, and a whole number where the network is an integer one."""
    for node in graph.nodes.values():
        problem = _problem(graph, node, real)
        if problem:
            hint = "the weights must be finite" if real else "quantise the network first"
            raise CompileError("lava.parameter", f"%{node.name}: {problem}", where=str(node.provenance), hint=hint)


def magnitude_bounds(graph: Graph) -> dict[str, int]:
    """Value -> the largest magnitude it can reach, as a sum over its terms; CompileError where float64 would round."""
    bounds = magnitudes(graph)
    for name, bound in bounds.items():
        if not fits_float64(bound):
            what = f"a sum of %{name} can reach {bound}, beyond exact arithmetic"
            where = f"%{name}  {graph.nodes[name].provenance}"
            raise CompileError("lava.range", what, where=where, hint="use smaller weights or payloads")
    return bounds


def with_input_range(graph: Graph, largest: Mapping[str, int]) -> Graph:
    """The graph with its payload inputs narrowed to what they really carry: `largest` magnitude by name."""
    nodes = {name: _narrowed(node, largest) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def _narrowed(node: Node, largest: Mapping[str, int]) -> Node:
    if node.name not in largest or node.type.domain.kind != "graded":
        return node
    return replace(node, type=replace(node.type, domain=graded(int(largest[node.name]).bit_length() + 1)))


def _problem(graph: Graph, node: Node, real: bool) -> str:
    """What is wrong with the numbers of a node, or nothing."""
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
