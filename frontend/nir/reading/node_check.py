"""Raw nodes -> primitives whose parameters have been checked one by one and together; shapes between nodes come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontend.nir.reading.network import Shape
from frontend.nir.reading.primitives import PRIMITIVES, REQUIRED, Parameter, Primitive
from frontend.nir.reading.raw import RawNode
from frontend.nir.reading.shape_rules import Params
from frontend.nir.reading.values import checked_shape, shape
from ir.errors import CompileError

RECORDED = ("input_type", "output_type")
"""Shapes that some exporters store beside the parameters: taken as statements to be checked."""


@dataclass(frozen=True, eq=False)
class CheckedNode:
    """A primitive whose parameters fit each other."""

    kind: str
    primitive: Primitive
    params: Params
    metadata: Mapping[str, Any]
    input_shape: Shape | None
    """What the parameters, or the file's records, fix; None where they do not."""
    output_shape: Shape | None


def check_node(name: str, node: RawNode) -> CheckedNode:
    """
    The primitive that a raw node is.

    Raises:
        CompileError: naming the node, for unknown types, missing, unknown and unusable parameters.
    """
    primitive = PRIMITIVES.get(node.kind)
    if primitive is None:
        types = ", ".join((*PRIMITIVES, "NIRGraph"))
        raise CompileError("nir.type", f"node {name} has the unknown type {node.kind!r}", hint=f"known types: {types}")
    try:
        return _check(node, primitive)
    except CompileError as error:
        raise CompileError(error.rule, f"node {name} ({node.kind}): {error.what}", hint=error.hint) from error


def _check(node: RawNode, primitive: Primitive) -> CheckedNode:
    """The node's names, then each parameter, then all together, then its shapes."""
    fields, recorded = _without_records(node, primitive)
    _check_names(fields, primitive)
    params = primitive.check(_read(fields, primitive.parameters))
    input_shape = _agreed(primitive.shapes.from_params(params), recorded["input_type"], "input")
    output_shape = recorded["output_type"]
    if input_shape is not None:
        checked_shape(input_shape)
        result = checked_shape(primitive.shapes.forward(params, input_shape))
        output_shape = _agreed(result, output_shape, "output")
    return CheckedNode(node.kind, primitive, params, node.metadata, input_shape, output_shape)


def _without_records(node: RawNode, primitive: Primitive) -> tuple[dict[str, Any], dict[str, Shape | None]]:
    """The fields that are parameters, and the recorded shapes; an Input or Output may call its shape by either name."""
    fields, recorded = dict(node.fields), dict[str, Shape | None]()
    if "shape" in primitive.parameters:
        for value in [fields.pop(key) for key in RECORDED if key in fields]:
            fields.setdefault("shape", value)
    for key in RECORDED:
        recorded[key] = _named(key, lambda key=key: shape(fields.pop(key))) or None if key in fields else None
    return fields, recorded


def _check_names(fields: Mapping[str, Any], primitive: Primitive) -> None:
    """CompileError for parameters that the primitive does not have, or that are missing."""
    unknown = sorted(fields.keys() - primitive.parameters.keys())
    if unknown:
        raise CompileError(
            "nir.parameter", f"has the unknown parameter {unknown[0]!r}", hint=_names(primitive.parameters)
        )
    missing = [key for key, item in primitive.parameters.items() if item.default is REQUIRED and key not in fields]
    if missing:
        raise CompileError("nir.parameter", f"lacks the parameter {missing[0]}", hint=_names(primitive.parameters))


def _names(parameters: Iterable[str]) -> str:
    return f"its parameters are {', '.join(parameters)}"


def _read(fields: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Every parameter as its reader returns it, defaults filled in."""
    params = {
        key: _named(key, lambda key=key: parameters[key].read(fields[key])) for key in parameters if key in fields
    }
    for key, item in parameters.items():
        if key not in params and item.like:
            params[key] = item.read(np.array(item.default, params[item.like].dtype))
        params.setdefault(key, item.default)
    return {key: params[key] for key in parameters}


def _named(key: str, read: Any) -> Any:
    """What `read` returns; its errors name the parameter."""
    try:
        return read()
    except CompileError as error:
        raise CompileError(error.rule, f"{key} {error.what}", hint=error.hint) from error


def _agreed(computed: Shape | None, recorded: Shape | None, what: str) -> Shape | None:
    """The one shape that there is; CompileError where there are two that differ."""
    if computed is not None and recorded is not None and computed != recorded:
        raise CompileError(
            "nir.shape", f"its recorded {what} shape {recorded} contradicts its parameters, which give {computed}"
        )
    return recorded if computed is None else computed
