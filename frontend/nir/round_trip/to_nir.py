"""
IR graph -> NIR graph: standard nodes only if NIR can say all of it, else extension nodes for the rest. Nothing is lost.

The record in the graph's metadata gives the IR graph back (`from_nir`). The nodes are for everybody else: right under NIR's
canonical reading wherever there is one, and under the reading that the metadata states in any case.
"""

from __future__ import annotations

import json

import nir
import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.semantics_statement import metadata_of
from frontend.nir.round_trip.extension import Extension, op_record
from frontend.nir.round_trip.record import graph_record
from frontend.nir.writing.allowed_semantics import allowed_semantics, shared_semantics
from frontend.nir.writing.back_edges import are_read_late
from frontend.nir.writing.draft import NirDraft, StandardCoverage
from frontend.nir.writing.fragments import NirFragment
from frontend.nir.writing.operator_fusion import operator_fusions
from frontend.nir.writing.populations import Population
from frontend.nir.writing.standard import STANDARD
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops import Past
from ir.pipeline.running_sums import integrate_running_sums
from ir.pipeline.split_phases import phase_numbers


def to_nir(graph: Graph) -> nir.NIRGraph:
    """
    The whole graph as NIR. Without extension nodes it passes the type check of `nir.read`, with one exception: kernels that
    no zeros make square (`kernels`).

    Raises:
        CompileError: for a graph without outputs or with names that a file cannot hold.
    """
    outputs = _output_names(graph)
    complete = _complete_coverage(graph)
    coverage = complete or _coverage(graph)
    draft = _draft(graph, outputs, coverage, delays=complete is None)
    if graph.loops and complete is not None and not are_read_late(_nir_graph(draft, {}), draft.late):
        draft = _draft(graph, outputs, coverage, delays=True)
    return _nir_graph(draft, {**_metadata(graph, coverage.semantics), **graph_record(graph, draft.nodes)})


def _complete_coverage(graph: Graph) -> StandardCoverage | None:
    """
    All of the graph in standard NIR; None where it cannot be.

    Several operations may be one node, and weights are copied where need be.
    """
    populations = _populations(graph)
    semantics, unsayable = _semantics(populations)
    fusions = operator_fusions(graph)
    absorbed = frozenset(name for fusion in fusions.values() for name in fusion.absorbed)
    single = [node for node in graph.nodes.values() if node.name not in absorbed and node.name not in fusions]
    if any(node.name in unsayable or not _has_rule(node, populations) for node in single):
        return None  # before the nodes are made, which takes longer
    fragments = {name: fusion.fragment for name, fusion in fusions.items()}
    for node in single:
        fragment = _fragment(graph, node, populations, semantics, expand=True)
        if fragment is None:
            return None
        fragments[node.name] = fragment
    in_order = {name: fragments[name] for name in graph.nodes if name in fragments}
    return StandardCoverage(in_order, {name: (item.operand,) for name, item in fusions.items()}, absorbed, semantics)


def _coverage(graph: Graph) -> StandardCoverage:
    """What of the graph standard NIR can say node by node, weights as they are."""
    populations = _populations(graph)
    semantics, unsayable = _semantics(populations)
    fragments: dict[str, NirFragment] = {}
    for node in graph.nodes.values():
        fragment = None
        if node.name not in unsayable:
            fragment = _fragment(graph, node, populations, semantics, expand=False)
        if fragment is not None:
            fragments[node.name] = fragment
    return StandardCoverage(fragments, {}, frozenset(), semantics)


def _populations(graph: Graph) -> dict[str, Population]:
    """The neuron layers that NIR may be able to say."""
    layers = {node.name: Population.of(graph, node) for node in graph.nodes.values()}
    return {name: layer for name, layer in layers.items() if layer is not None}


def _semantics(populations: dict[str, Population]) -> tuple[Semantics, frozenset[str]]:
    """How the neuron layers of a file are to be read, and those that have no meaning then."""
    allowed = {name: allowed_semantics(layer) for name, layer in populations.items()}
    semantics, misfits = shared_semantics({name: options for name, options in allowed.items() if options is not None})
    return semantics, misfits | {name for name, options in allowed.items() if options is None}


def _has_rule(node: Node, populations: dict[str, Population]) -> bool:
    return node.name in populations or node.op.kind in STANDARD or isinstance(node.op, Past)


def _fragment(
    graph: Graph, node: Node, populations: dict[str, Population], semantics: Semantics, expand: bool
) -> NirFragment | None:
    """A node in standard NIR; None where it cannot be. `expand`: weights may be copied."""
    if node.name in populations:
        chain = populations[node.name].nodes(semantics)
        return None if chain is None else NirFragment(chain)
    if isinstance(node.op, Past):
        return NirFragment(()) if node.type.shape else None
    rule = STANDARD.get(node.op.kind)
    shaped = node.type.shape and all(arg.shape for arg in graph.args(node))
    return rule(graph, node, expand) if rule and (shaped or node.op.kind == "input") else None


def _draft(graph: Graph, outputs: dict[str, str], coverage: StandardCoverage, delays: bool) -> NirDraft:
    """All nodes of a graph in NIR; `delays`: back edges of one step are Delay nodes."""
    draft = NirDraft(graph, coverage, delays, {*graph.nodes, *outputs.values()})
    draft.add_standard()
    for name, node in graph.nodes.items():
        if name not in coverage.fragments and name not in coverage.absorbed:
            draft.add_extension(name, _extension(graph, node))
    for output, name in outputs.items():
        value = graph.outputs[output]
        shape = np.array(graph.nodes[value].type.shape, dtype=np.int64)
        draft.add_output(value, name, nir.Output(output_type={"output": shape}))
    return draft


def _nir_graph(draft: NirDraft, metadata: dict[str, str]) -> nir.NIRGraph:
    return nir.NIRGraph(draft.nodes, draft.edges, metadata=metadata, type_check=False)


def _extension(graph: Graph, node: Node) -> Extension:
    entries = op_record(node.op, node.inputs)
    shape = np.array(node.type.shape, dtype=np.int64)
    return Extension(entries["kind"], entries["attributes"], entries["operands"], shape, graph.arrays(node))


def _output_names(graph: Graph) -> dict[str, str]:
    """Output -> the name of its NIR node: nodes and outputs share one namespace in NIR."""
    if not graph.outputs:
        raise CompileError("nir.empty", f"graph {graph.name} has no outputs", hint="return something from the model")
    for name in (graph.name, *graph.nodes, *graph.outputs):
        if not name.isascii() or not name.isprintable() or "/" in name or name in ("", ".", ".."):
            raise CompileError("nir.name", f"{name!r} cannot be a name in a NIR file", hint="ASCII without '/'")
    names: dict[str, str] = {}
    for output in graph.outputs:
        name = output
        while name in graph.nodes or name in names.values():
            name += "_output"
        names[output] = name
    return names


def _metadata(graph: Graph, semantics: Semantics) -> dict[str, str]:
    """What the numbers in the file mean, for every reader."""
    static = [node.name for node in graph.inputs if node.type.static]
    about = {"name": graph.name, "steps": str(graph.steps), "dtype": graph.dtype, "static_inputs": json.dumps(static)}
    return {**about, **_phases(graph), **metadata_of(semantics)}


def _phases(graph: Graph) -> dict[str, str]:
    """
    Where a network is cut that chips run in several phases: {value: number of its phase, from 1}.

    Running sums that neurons add up are in none.
    """
    numbers = phase_numbers(integrate_running_sums(graph))
    several = max(numbers.values(), default=1) > 1
    return {"phases": json.dumps({name: n for name, n in numbers.items() if name in graph.nodes})} if several else {}
