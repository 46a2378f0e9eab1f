"""IR graph -> NIR graph: standard nodes wherever NIR has them, extension nodes for the rest, so that nothing is lost."""

from __future__ import annotations

import json

import nir
import numpy as np

from frontend.nir_ext import FORMAT_VERSION, Extension, record
from frontend.nir_standard import STANDARD
from ir.errors import CompileError
from ir.graph import Graph, Node

SEMANTICS = (
    "dt = 1; forward Euler; state starts at 0 for every window of `steps` steps (0: it runs on); neurons reset in the step "
    "in which they fire; no latency per edge; comparator >= or > as each neuron's metadata says"
)
"""How the numbers in a written file are meant, in words, for readers that are not ours."""


def to_nir(graph: Graph) -> nir.NIRGraph:
    """
    The whole graph as NIR, not type-checked: extension nodes have several inputs, which NIR's own check refuses.

    Raises:
        CompileError: for a graph without outputs or with names that a file cannot hold.
    """
    outputs = _output_names(graph)
    nodes = {name: nir_node(graph, node) for name, node in graph.nodes.items()}
    edges = [(source, name) for name, node in graph.nodes.items() for source in dict.fromkeys(node.inputs)]
    for output, name in outputs.items():
        value = graph.outputs[output]
        shape = np.array(graph.nodes[value].type.shape, dtype=np.int64)
        nodes[name] = nir.Output(output_type={"output": shape})
        edges.append((value, name))
    return nir.NIRGraph(nodes, edges, metadata=_metadata(graph, outputs), type_check=False)


def nir_node(graph: Graph, node: Node) -> nir.NIRNode:
    """One node as NIR, with a record of the IR operation and of where it comes from."""
    rule = STANDARD.get(node.op.kind)
    made = rule(graph, node) if rule else None
    said = record(node.op, node.inputs)
    if made is None:
        shape = np.array(node.type.shape, dtype=np.int64)
        made = Extension(said["kind"], said["attributes"], said["operands"], shape, graph.arrays(node))
    else:
        made.metadata = {**made.metadata, **said}
    origin = {"module": node.where.module, "passes": json.dumps(node.where.passes)}
    made.metadata = {**made.metadata, **origin, "params": json.dumps(dict(node.params))}
    return made


def _output_names(graph: Graph) -> dict[str, str]:
    """Output -> the name of its NIR node: nodes and outputs share one namespace in NIR."""
    if not graph.outputs:
        raise CompileError("nir.empty", f"graph {graph.name} has no outputs", hint="return something from the model")
    for name in (graph.name, *graph.nodes, *graph.outputs):
        if not name or not name.isascii() or "/" in name:
            raise CompileError("nir.name", f"{name!r} cannot be a name in a NIR file", hint="ASCII without '/'")
    names: dict[str, str] = {}
    for output in graph.outputs:
        name = output
        while name in graph.nodes or name in names.values():
            name += "_output"
        names[output] = name
    return names


def _metadata(graph: Graph, outputs: dict[str, str]) -> dict[str, str]:
    return {
        "generator": "spike-compiler",
        "format_version": FORMAT_VERSION,
        "name": graph.name,
        "steps": str(graph.steps),
        "order": json.dumps(list(graph.nodes)),
        "outputs": json.dumps(outputs),
        "static_inputs": json.dumps([node.name for node in graph.inputs if node.type.static]),
        "semantics": SEMANTICS,
    }
