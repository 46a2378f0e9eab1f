"""Raw nodes become checked primitives: parameters read, defaults filled in, shapes computed and compared with the recorded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontend.nir.reading.node_check import CheckedNode, check_node
from frontend.nir.reading.raw import RawNode
from ir.errors import CompileError

ONE = np.ones(4, np.float32)
LIF = {"tau": ONE, "r": ONE, "v_leak": ONE, "v_threshold": ONE}
CONV = {"weight": np.ones((4, 2, 3)), "bias": ONE, "stride": 1, "padding": "same", "dilation": 1, "groups": 1}


def check(kind: str, **fields: Any) -> CheckedNode:
    return check_node("n", RawNode(kind, fields, {"note": "kept"}))


def test_parameters_in_the_primitive_s_order_with_defaults_of_their_dtype() -> None:
    node = check("LIF", **{**LIF, "v_threshold": ONE.astype(np.float64)})
    assert list(node.params) == ["tau", "r", "v_leak", "v_threshold", "v_reset"]
    assert (node.params["v_reset"].dtype, node.params["v_reset"].tolist()) == (np.float64, 0)
    assert (node.kind, node.metadata) == ("LIF", {"note": "kept"})
    assert (node.input_shape, node.output_shape) == ((4,), (4,))


def test_shapes_that_the_parameters_fix_or_do_not() -> None:
    scalars = check("LIF", **{key: np.float32(1) for key in LIF})
    assert (scalars.input_shape, scalars.output_shape) == (None, None)
    node = check("Conv1d", **CONV, input_shape=10)
    assert (node.input_shape, node.output_shape, node.params["padding"]) == ((2, 10), (4, 10), ((1, 1),))
    assert check("Conv1d", **CONV).input_shape is None


def test_shapes_that_the_file_records_beside_the_parameters() -> None:
    node = check("Flatten", start_dim=0, end_dim=-1, input_type={"input": np.array([2, 3])})
    assert (node.input_shape, node.output_shape) == ((2, 3), (6,))
    recorded = check("Conv1d", **CONV, input_type=[2, 10], output_type=[4, 10])
    assert (recorded.input_shape, recorded.output_shape) == ((2, 10), (4, 10))
    assert check("Conv1d", **CONV, output_type=[4, 10]).output_shape == (4, 10)


@pytest.mark.parametrize("name", ["shape", "input_type", "output_type"])
def test_ends_call_their_shape_by_any_name(name: str) -> None:
    node = check("Output", **{name: np.array([3])})
    assert (node.params, node.input_shape, node.output_shape) == ({"shape": (3,)}, (3,), (3,))


@pytest.mark.parametrize(
    ("kind", "fields", "rule", "what", "hint"),
    [
        ("Lif", {}, "nir.type", "node n has the unknown type 'Lif'", "known types: Input, Output,"),
        (
            "LIF",
            {**LIF, "beta": ONE},
            "nir.parameter",
            "node n (LIF): has the unknown parameter 'beta'",
            "tau, r, v_leak",
        ),
        ("IF", {"r": ONE}, "nir.parameter", "node n (IF): lacks the parameter v_threshold", "r, v_threshold, v_reset"),
        ("LIF", {**LIF, "tau": -ONE}, "nir.value", "node n (LIF): tau must be above 0", ""),
        ("LIF", {**LIF, "tau": ONE[:3]}, "nir.shape", "node n (LIF): its parameters have different shapes", ""),
        ("Flatten", {"input_type": "x"}, "nir.dtype", "node n (Flatten): input_type holds text", ""),
        (
            "LIF",
            {**LIF, "input_type": [5]},
            "nir.shape",
            "its recorded input shape (5,) contradicts its parameters",
            "",
        ),
        (
            "LIF",
            {**LIF, "output_type": [5]},
            "nir.shape",
            "its recorded output shape (5,) contradicts its parameters",
            "",
        ),
    ],
)
def test_what_is_wrong_names_node_and_parameter(kind: str, fields: Any, rule: str, what: str, hint: str) -> None:
    with pytest.raises(CompileError) as caught:
        check(kind, **fields)
    assert caught.value.rule == rule
    assert what in caught.value.what
    assert hint in caught.value.hint
