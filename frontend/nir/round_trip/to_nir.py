"""
IR graph -> NIR graph: standard nodes only if NIR can say all of it, else extension nodes for the rest. Nothing is lost.

The record in the graph's metadata gives the IR graph back (`from_nir`). The nodes are for everybody else: right under NIR's
canonical reading wherever there is one, and under the reading that the metadata states in any case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import nir
import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.semantics_given import metadata_of
from frontend.nir.round_trip.ext import Extension, record
from frontend.nir.round_trip.record import record_of
from frontend.nir.writing.back_edges import are_found
from frontend.nir.writing.fused import fused
from frontend.nir.writing.populations import Population
from frontend.nir.writing.read_as import reading_of
from frontend.nir.writing.said import Said
from frontend.nir.writing.standard import STANDARD
from frontend.nir.writing.wiring import Wiring
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops import Past


@dataclass(frozen=True)
class _Plan:
    """What every node is in standard NIR, as far as there is something, under which reading; see `Wiring`."""

    said: dict[str, Said]
    operands: dict[str, tuple[str, ...]]
    absorbed: frozenset[str]
    reading: Semantics


def to_nir(graph: Graph) -> nir.NIRGraph:
    """
    The whole graph as NIR. Without extension nodes it passes the type check of `nir.read`, with one exception: kernels that
    no zeros make square (`kernels`).

    Raises:
        CompileError: for a graph without outputs or with names that a file cannot hold.
    """
    outputs = _output_names(graph)
    whole = _plan(graph, expand=True)
    plan = whole or _plan(graph, expand=False)
    assert plan is not None
    wiring = _wired(graph, outputs, plan, delays=whole is None)
    if graph.loops and whole is not None and not are_found(_graph(wiring, {}), wiring.late):
        wiring = _wired(graph, outputs, plan, delays=True)
    return _graph(wiring, {**_metadata(graph, plan.reading), **record_of(graph, wiring.nodes)})


def _plan(graph: Graph, expand: bool) -> _Plan | None:
    """The plan; with `expand` None unless standard NIR says all of the graph."""
    populations = {node.name: made for node in graph.nodes.values() if (made := Population.of(graph, node)) is not None}
    allowed = {name: made.allowed() for name, made in populations.items()}
    reading, odd = reading_of({name: options for name, options in allowed.items() if options is not None})
    joined = fused(graph) if expand else {}
    absorbed = frozenset(name for item in joined.values() for name in item.absorbed)
    rest = [node for node in graph.nodes.values() if node.name not in absorbed and node.name not in joined]
    impossible = odd | {name for name, options in allowed.items() if options is None}
    if expand and any(node.name in impossible or not _has_rule(node, populations) for node in rest):
        return None
    said = {name: item.said for name, item in joined.items()}
    for node in rest:
        made = None if node.name in impossible else _said(graph, node, populations, reading, expand)
        if made is not None:
            said[node.name] = made
        elif expand:
            return None
    said = {name: said[name] for name in graph.nodes if name in said}
    return _Plan(said, {name: (item.operand,) for name, item in joined.items()}, absorbed, reading)


def _has_rule(node: Node, populations: dict[str, Population]) -> bool:
    return node.name in populations or node.op.kind in STANDARD or isinstance(node.op, Past)


def _said(
    graph: Graph, node: Node, populations: dict[str, Population], reading: Semantics, expand: bool
) -> Said | None:
    if node.name in populations:
        chain = populations[node.name].said(reading)
        return None if chain is None else Said(chain)
    if isinstance(node.op, Past):
        return Said(()) if node.type.shape else None
    rule = STANDARD.get(node.op.kind)
    shaped = node.type.shape and all(arg.shape for arg in graph.args(node))
    return rule(graph, node, expand) if rule and (shaped or node.op.kind == "input") else None


def _wired(graph: Graph, outputs: dict[str, str], plan: _Plan, delays: bool) -> Wiring:
    taken = {*graph.nodes, *outputs.values()}
    wiring = Wiring(graph, plan.said, plan.operands, plan.absorbed, delays, taken)
    wiring.wire()
    for name in [name for name in graph.nodes if name not in plan.said and name not in plan.absorbed]:
        node = graph.nodes[name]
        wiring.nodes[name] = _extension(graph, node)
        wiring.edges += [(source, name) for source in dict.fromkeys(node.inputs)]
    for output, name in outputs.items():
        value = graph.outputs[output]
        shape = np.array(graph.nodes[value].type.shape, dtype=np.int64)
        wiring.nodes[name] = nir.Output(output_type={"output": shape})
        wiring.output(value, name)
    return wiring


def _graph(wiring: Wiring, metadata: dict[str, str]) -> nir.NIRGraph:
    return nir.NIRGraph(wiring.nodes, wiring.edges, metadata=metadata, type_check=False)


def _extension(graph: Graph, node: Node) -> Extension:
    said = record(node.op, node.inputs)
    shape = np.array(node.type.shape, dtype=np.int64)
    return Extension(said["kind"], said["attributes"], said["operands"], shape, graph.arrays(node))


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


def _metadata(graph: Graph, reading: Semantics) -> dict[str, str]:
    """What the numbers in the file mean, for every reader."""
    static = [node.name for node in graph.inputs if node.type.static]
    about = {"name": graph.name, "steps": str(graph.steps), "dtype": graph.dtype, "static_inputs": json.dumps(static)}
    return {**about, **metadata_of(reading)}
