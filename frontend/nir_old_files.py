"""
What files written before nir 1.0 say differently, where their meaning is certain.

Exporters of that time stored the shape of an output with the axes of batch and time, of length one, in front (the NIR paper's
`lif_rockpool.nir`: an output of shape (1, 1, 1) behind one neuron). What arrives there decides.
"""

from __future__ import annotations

from dataclasses import replace

from frontend.nir_flatten import FlatGraph
from frontend.nir_network import Shape
from frontend.nir_shapes import infer_shapes


def without_batch_at_outputs(graph: FlatGraph, version: str) -> FlatGraph:
    """The same graph; outputs of old files whose shape has ones in front of what arrives have the shape that arrives."""
    recorded = {name: node.input_shape for name, node in graph.nodes.items()
                if node.kind == "Output" and node.input_shape is not None and node.input_shape[0] == 1}  # fmt: skip
    if not version.startswith("0.") or not recorded:
        return graph
    unsaid = {
        name: replace(graph.nodes[name], input_shape=None, output_shape=None, params={"shape": None})
        for name in recorded
    }
    free = replace(graph, nodes={**graph.nodes, **unsaid})
    arriving, _ = infer_shapes(free)
    batched = {name for name, shape in recorded.items() if shape and _is_batched(shape, arriving.get(name))}
    return replace(graph, nodes={name: unsaid[name] if name in batched else node for name, node in graph.nodes.items()})


def _is_batched(shape: Shape, arriving: Shape | None) -> bool:
    extra = len(shape) - len(arriving or shape)
    return extra in (1, 2) and shape == (1,) * extra + (arriving or ())
