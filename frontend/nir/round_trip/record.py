"""The record of an IR graph in the metadata of the NIR graph that `to_nir` makes of it: nothing is lost, whatever NIR can say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from frontend.nir.round_trip.extension import FORMAT_VERSION, Extension, op_from_record, op_record
from frontend.type_guards import is_array
from ir.errors import CompileError
from ir.graph import Array, Graph, Node, Provenance
from ir.ops.base import result_type

GENERATOR = "spike-compiler"
"""Entry of the metadata by which our own files are known."""


def graph_record(graph: Graph, nodes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Metadata from which `graph_from_record` makes the graph again.

    Parameters that a NIR node holds as they are stay there, so that a changed file is a changed network; what NIR holds in
    another form (time constants, bare numbers) is stored here too.
    """
    homes = _homes(nodes)
    places: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    for key, array in graph.params.items():
        if id(array) in homes and array.ndim:
            places[key] = homes[id(array)]
        else:
            places[key] = [str(len(arrays)), list(array.shape)]
            arrays[str(len(arrays))] = array if array.ndim else array.reshape(1)
    content = {
        "name": graph.name,
        "steps": graph.steps,
        "dtype": graph.dtype,
        "outputs": dict(graph.outputs),
        "nodes": [_entry(node) for node in graph.nodes.values()],
        "params": places,
    }
    stored: dict[str, Any] = {"arrays": arrays} if arrays else {}
    return {"generator": GENERATOR, "format_version": FORMAT_VERSION, "record": json.dumps(content), **stored}


def graph_from_record(metadata: Mapping[str, Any], nodes: Mapping[str, Any]) -> Graph:
    """
    The graph of `graph_record`.

    Raises:
        CompileError: for operations that do not exist. KeyError, TypeError, ValueError: for a damaged record.
    """
    content = json.loads(metadata["record"])
    stored = metadata.get("arrays", {})
    params = {key: _read_only(_array_at(place, nodes, stored)) for key, place in content["params"].items()}
    read: dict[str, Node] = {}
    for entry in content["nodes"]:
        op, operands = op_from_record(entry["name"], entry)
        roles = tuple((role, key) for role, key in entry["params"])
        shapes = {role: params[key].shape for role, key in roles}
        result = result_type(op, [read[name].type for name in operands], shapes, int(content["steps"]))
        provenance = Provenance(entry["module"], tuple(entry["passes"]))
        read[entry["name"]] = Node(entry["name"], op, operands, result, roles, provenance)
    return Graph(content["name"], int(content["steps"]), read, content["outputs"], params, content["dtype"])


def _entry(node: Node) -> dict[str, Any]:
    """A node without its arrays."""
    return {
        "name": node.name,
        **op_record(node.op, node.inputs),
        "params": node.params,
        "module": node.provenance.module,
        "passes": node.provenance.passes,
    }


def _homes(nodes: Mapping[str, Any]) -> dict[int, str]:
    """Identity of an array -> the node and the field that hold it."""
    homes: dict[int, str] = {}
    for name, node in nodes.items():
        fields: dict[str, Any] = {**vars(node), **(node.params if isinstance(node, Extension) else {})}
        homes |= {id(value): f"{name}/{key}" for key, value in fields.items() if is_array(value)}
    return homes


def _array_at(place: Any, nodes: Mapping[str, Any], stored: Mapping[str, Any]) -> Array:
    """The array of a parameter: in a field of a node, or stored with the record."""
    if not isinstance(place, str):
        key, shape = place
        return np.asarray(stored[key]).reshape(shape)
    name, field = place.split("/")
    node = nodes[name]
    array = node.params[field] if isinstance(node, Extension) else getattr(node, field, None)
    if not is_array(array):
        raise CompileError("nir.record", f"node {name} has no parameter {field}", hint="write the file again")
    return array


def _read_only(array: Array) -> Array:
    """The array, or a copy of it, that nobody can change."""
    if not array.flags.writeable:
        return array
    array = array.copy()
    array.setflags(write=False)
    return array
