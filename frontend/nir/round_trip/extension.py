"""
What NIR cannot say, as one generic NIR node, so that a written network can be read back whole.

NIR 1.0.8 has no nodes with several ordered inputs, no axes beyond a vector's, no products of spikes and no host arithmetic
(https://neuroir.org). The extension node says which IR operation it is; standard nodes carry the same record as metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np

from frontend.type_guards import is_list
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import OPS
from ir.ops.base import Op

FORMAT_VERSION = "2"
FORMER_KINDS = {"loihi_lif": "integer_lif", "loihi_leaky": "integer_leaky"}
"""What operations were called in files of earlier versions -> what they are called now."""


@dataclass(eq=False)
class Extension(nir.NIRNode):
    """One IR operation, which runs once per time step."""

    kind: str
    attributes: str
    """Name -> value, in JSON."""
    operands: str
    """Names of nodes of the same graph, in order, in JSON."""
    shape: Array
    """Of the result, without batch and time."""
    params: dict[str, Array] = field(default_factory=dict)
    """Arrays by role."""

    def __post_init__(self) -> None:
        self.kind = FORMER_KINDS.get(self.kind, self.kind)
        self.attributes = _completed(self.kind, self.attributes)
        self.input_type = {"input": np.asarray(self.shape)}
        self.output_type = {"output": np.asarray(self.shape)}


def op_record(op: Op, operands: tuple[str, ...]) -> dict[str, str]:
    """An operation and its operands as strings."""
    return {"kind": op.kind, "attributes": json.dumps(op.attributes()), "operands": json.dumps(operands)}


def op_from_record(name: str, entries: Mapping[str, Any]) -> tuple[Op, tuple[str, ...]]:
    """
    The operation and the operands that `op_record` wrote.

    Raises:
        CompileError: for a kind that does not exist or attributes that do not fit it.
    """
    try:
        kind, operands = str(entries["kind"]), tuple(json.loads(entries["operands"]))
        return OPS[FORMER_KINDS.get(kind, kind)](**_attributes(entries["attributes"])), operands
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CompileError(
            "nir.record",
            f"node {name} holds no operation of ours: {error}",
            hint="written by another version of the compiler?",
        ) from error


def _completed(kind: str, attributes: str) -> str:
    """Attributes with the defaults of those that an operation did not have when a file was written; as they are where odd."""
    try:
        return json.dumps(OPS[kind](**_attributes(attributes)).attributes())
    except (KeyError, TypeError, ValueError, AttributeError):
        return attributes


def _attributes(text: str) -> dict[str, Any]:
    return {key: _as_tuple(value) for key, value in json.loads(text).items()}


def _as_tuple(value: Any) -> Any:
    return tuple(value) if is_list(value) else value
