"""
Batch and time axes that exporters left in the shapes of inputs and outputs, where their meaning is certain.

NIR's shapes have neither. Norse 1.1.0 and Rockpool write the shape of the tensor that a model was exported with (an input of
shape (1, 4) before a layer of 4), files of nir 0.x did so at outputs (the NIR paper's `lif_rockpool.nir`: (1, 1, 1) behind one
neuron). A graph that is right as it stands is left alone; else what the layers expect decides, and a remark says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from frontend.nir.reading.flatten import FlatGraph
from frontend.nir.reading.network import Shape
from frontend.nir.reading.shapes import infer_shapes
from ir.errors import CompileError

Shapes = tuple[Mapping[str, Shape], Mapping[str, Shape]]
"""Node -> shape of what it takes, and of what it makes."""
MOST_EXTRA_AXES = 2
"""Batch and time."""


def infer_shapes_without_batch(graph: FlatGraph) -> tuple[FlatGraph, Shapes, tuple[tuple[str, str], ...]]:
    """
    The graph, the shapes of what its nodes take and make, and remarks (node, text) on shapes that had axes too many.

    Raises:
        CompileError: shapes that contradict each other, with the node and the edge.
    """
    try:
        return graph, infer_shapes(graph), ()
    except CompileError:
        ends = {
            name: shape
            for name, node in graph.nodes.items()
            if node.kind in ("Input", "Output") and (shape := node.input_shape) and shape[0] == 1
        }
        batched = _batched(graph, ends)
        if not batched:
            raise
        fixed = _without_shapes(graph, batched)
        remarks = [
            (name, f"its shape {ends[name]} counts batch or time; read as {shape}") for name, shape in batched.items()
        ]
        return fixed, infer_shapes(fixed), tuple(remarks)


def _batched(graph: FlatGraph, ends: Mapping[str, Shape]) -> dict[str, Shape]:
    """End -> what the layers expect there, where the recorded shape is that behind one or two axes of length 1."""
    try:
        inputs, _ = infer_shapes(_without_shapes(graph, ends))
    except CompileError:
        return {}
    return {name: inputs[name] for name, shape in ends.items() if name in inputs and _is_batched(shape, inputs[name])}


def _without_shapes(graph: FlatGraph, names: Mapping[str, Shape]) -> FlatGraph:
    """The graph without the recorded shapes of these nodes."""
    free = {
        name: replace(graph.nodes[name], input_shape=None, output_shape=None, params={"shape": None}) for name in names
    }
    return replace(graph, nodes={**graph.nodes, **free})


def _is_batched(shape: Shape, expected: Shape) -> bool:
    """Whether a shape is the expected one behind axes of length 1."""
    extra = len(shape) - len(expected)
    return 1 <= extra <= MOST_EXTRA_AXES and shape == (1,) * extra + expected
