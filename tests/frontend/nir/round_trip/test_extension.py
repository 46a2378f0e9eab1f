"""Operations as one generic node of NIR: recorded exactly, completed where a file is older, refused where odd."""

from __future__ import annotations

import json
from dataclasses import fields as fields_of
from pathlib import Path

import numpy as np
import pytest

from frontend.nir.round_trip.extension import FORMER_KINDS, Extension, op_from_record, op_record
from frontend.nir.round_trip.file import read_nir
from frontend.nir.round_trip.from_nir import from_nir
from ir.errors import CompileError
from ir.ops import OPS, Lif, Op, Scale


def any_op(kind: str) -> Op:
    """An operation of the kind with attributes that differ from the defaults."""
    values = {"int": 1, "float": 0.1, "bool": True, "str": "x", "tuple[int, ...]": (2, 1)}
    special = {"input": {"type": "spike[3]"}}
    chosen = {item.name: values[str(item.type)] for item in fields_of(OPS[kind])}
    return OPS[kind](**{**chosen, **special.get(kind, {})})


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_is_recorded_exactly(kind: str) -> None:
    op = any_op(kind)
    assert op_from_record("x", op_record(op, ("a", "b"))) == (op, ("a", "b"))


def test_files_with_the_former_names_of_operations_are_read() -> None:
    """Written by version 0.1.0: layers of `loihi_lif`, a read-out of `loihi_leaky`, synapses that could not wait."""
    graph = from_nir(read_nir(Path(__file__).parents[3] / "data" / "nir" / "own" / "kinds_of_0_1_0.nir"))
    assert [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"] == [
        "integer_lif",
        "integer_lif",
        "integer_leaky",
    ]


def test_a_record_is_text() -> None:
    assert op_record(Lif(decay=0.5), ("a",)) == {
        "kind": "lif",
        "attributes": json.dumps(Lif(decay=0.5).attributes()),
        "operands": '["a"]',
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "unheard"},
        {"attributes": "no JSON"},
        {"attributes": '{"unheard": 1}'},
        {"attributes": "[1]"},
        {"operands": "no JSON"},
        {"operands": "3"},
    ],
)
def test_what_holds_no_operation_names_the_node(changes: dict[str, str]) -> None:
    with pytest.raises(CompileError, match="node n holds no operation of ours") as caught:
        op_from_record("n", {**op_record(Scale(2.0), ("a",)), **changes})
    assert caught.value.rule == "nir.record"
    with pytest.raises(CompileError, match="node n holds no operation of ours"):
        op_from_record("n", {})


def extension(kind: str, attributes: str) -> Extension:
    return Extension(kind, attributes, '["a"]', np.array([2, 3]))


def test_an_extension_says_its_shape_as_nir_does() -> None:
    node = extension("scale", '{"factor": 2.0}')
    assert (node.input_type["input"].tolist(), node.output_type["output"].tolist()) == ([2, 3], [2, 3])
    assert node.params == {}


def test_attributes_that_an_older_file_lacks_are_filled_in() -> None:
    assert json.loads(extension("lif", '{"decay": 0.5}').attributes) == json.loads(
        json.dumps(Lif(decay=0.5).attributes())
    )
    for former, kind in FORMER_KINDS.items():
        assert extension(former, "{}").kind == kind
        assert op_from_record("n", {**op_record(any_op(kind), ()), "kind": former})[0] == any_op(kind)


def test_odd_attributes_stay_as_they_are() -> None:
    for kind, attributes in (("lif", '{"unheard": 1}'), ("unheard", "{}"), ("lif", "no JSON")):
        assert extension(kind, attributes).attributes == attributes
