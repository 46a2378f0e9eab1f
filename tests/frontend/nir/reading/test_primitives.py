"""Every primitive with every feature, in a file of its own written with h5py: shapes worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.reading.primitives import PRIMITIVES
from frontend.nir.reading.reader import network_of, read_network

Fields = dict[str, Any]
Write = Callable[..., Path]


def full(*shape: int, value: float = 1.0, dtype: Any = np.float32) -> np.ndarray:
    return np.full(shape, value, dtype)


def conv(weight: tuple[int, ...], **fields: Any) -> Fields:
    rest: Fields = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": full(weight[0]), **fields}
    return {"weight": full(*weight), **rest}


def pool(kernel: Any, stride: Any, padding: Any) -> Fields:
    return {"kernel_size": kernel, "stride": stride, "padding": padding}


def neuron(names: str, *shape: int, **fields: Any) -> Fields:
    return {**{name: full(*shape) for name in names.split()}, **fields}


LIF, CUBALIF = "tau r v_leak v_threshold v_reset", "tau_syn tau_mem r v_leak v_threshold v_reset w_in"
Case = tuple[str, Fields, tuple[int, ...], tuple[int, ...]]
CASES: dict[str, Case] = {
    "linear": ("Linear", {"weight": full(3, 4)}, (4,), (3,)),
    "linear of float64": ("Linear", {"weight": full(3, 4, dtype=np.float64)}, (4,), (3,)),
    "linear of integers": ("Linear", {"weight": full(3, 4, dtype=np.int8)}, (4,), (3,)),
    "linear of big-endian floats": ("Linear", {"weight": full(3, 4, dtype=">f4")}, (4,), (3,)),
    "linear with leading axes": ("Linear", {"weight": full(5, 3, 4)}, (5, 4), (5, 3)),
    "affine": ("Affine", {"weight": full(3, 4), "bias": full(3)}, (4,), (3,)),
    "affine with leading axes": ("Affine", {"weight": full(5, 3, 4), "bias": full(5, 3)}, (5, 4), (5, 3)),
    "scale": ("Scale", {"scale": full(2, 3)}, (2, 3), (2, 3)),
    "scalar scale": ("Scale", {"scale": np.float32(2)}, (2, 3), (2, 3)),
    "conv1d": ("Conv1d", conv((4, 2, 3), input_shape=10), (2, 10), (4, 8)),
    "conv1d without input shape": ("Conv1d", conv((4, 2, 3)), (2, 10), (4, 8)),
    "conv1d with everything": ("Conv1d", conv((4, 1, 3), stride=2, padding=3, dilation=2, groups=2), (2, 10), (4, 6)),
    "conv1d same": ("Conv1d", conv((4, 2, 3), padding="same"), (2, 10), (4, 10)),
    "conv1d same, even kernel": ("Conv1d", conv((4, 2, 4), padding="same"), (2, 10), (4, 10)),
    "conv1d valid": ("Conv1d", conv((4, 2, 3), padding="valid", stride=3), (2, 10), (4, 3)),
    "conv1d of arrays of one": (
        "Conv1d",
        conv((4, 2, 3), stride=np.array([2]), input_shape=np.array([10])),
        (2, 10),
        (4, 4),
    ),
    "conv2d": ("Conv2d", conv((4, 2, 3, 3), input_shape=np.array([8, 6])), (2, 8, 6), (4, 6, 4)),
    "conv2d on a square": ("Conv2d", conv((4, 2, 3, 3), input_shape=8), (2, 8, 8), (4, 6, 6)),
    "conv2d, rectangular kernel": ("Conv2d", conv((4, 2, 1, 5)), (2, 8, 6), (4, 8, 2)),
    "conv2d, depthwise": ("Conv2d", conv((6, 1, 3, 3), groups=3), (3, 8, 6), (6, 6, 4)),
    "conv2d, different axes": (
        "Conv2d",
        conv((4, 2, 3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 3)),
        (2, 8, 6),
        (4, 4, 3),
    ),
    "conv2d same, dilated": ("Conv2d", conv((4, 2, 2, 3), padding="same", dilation=(3, 2)), (2, 8, 6), (4, 8, 6)),
    "conv2d of whole floats": ("Conv2d", conv((4, 2, 3, 3), stride=np.array([2.0, 2.0])), (2, 8, 6), (4, 3, 2)),
    "sum pool": ("SumPool2d", pool((2, 2), (2, 2), (0, 0)), (3, 8, 6), (3, 4, 3)),
    "sum pool of scalars": ("SumPool2d", pool(3, 2, 1), (3, 8, 6), (3, 4, 3)),
    "average pool": ("AvgPool2d", pool((3, 2), (1, 2), (1, 0)), (3, 8, 6), (3, 8, 3)),
    "flatten": ("Flatten", {"start_dim": 0, "end_dim": -1}, (2, 3, 4), (24,)),
    "flatten by default": ("Flatten", {}, (2, 3, 4), (2, 12)),
    "flatten from behind": ("Flatten", {"start_dim": -3, "end_dim": -2}, (2, 3, 4), (6, 4)),
    "flatten with its type": ("Flatten", {"input_type": np.array([2, 3]), "start_dim": 0, "end_dim": 1}, (2, 3), (6,)),
    "i": ("I", neuron("r", 2, 3), (2, 3), (2, 3)),
    "if": ("IF", neuron("r v_threshold v_reset", 4), (4,), (4,)),
    "if of an old file": ("IF", neuron("r v_threshold", 4), (4,), (4,)),
    "li": ("LI", neuron("tau r v_leak", 4), (4,), (4,)),
    "lif": ("LIF", neuron(LIF, 4), (4,), (4,)),
    "lif of scalars": ("LIF", neuron(LIF), (2, 3, 4), (2, 3, 4)),
    "lif of arrays of one": ("LIF", neuron(LIF, 1), (2, 3), (2, 3)),
    "lif of an old file": ("LIF", neuron("tau r v_leak v_threshold", 4), (4,), (4,)),
    "lif, partly scalar": ("LIF", neuron(LIF, tau=full(4, value=2), r=full(1)), (4,), (4,)),
    "lif of float64": ("LIF", {name: np.float64(1) for name in LIF.split()}, (4,), (4,)),
    "one lif": ("LIF", neuron(LIF, 1), (1,), (1,)),
    "cuba li": ("CubaLI", neuron("tau_syn tau_mem r v_leak w_in", 4), (4,), (4,)),
    "cuba li of an old file": ("CubaLI", neuron("tau_syn tau_mem r v_leak", 4), (4,), (4,)),
    "cuba lif": ("CubaLIF", neuron(CUBALIF, 4), (4,), (4,)),
    "cuba lif, scalar w_in": ("CubaLIF", neuron(CUBALIF, 4, w_in=np.float32(3)), (4,), (4,)),
    "cuba lif of an old file": ("CubaLIF", neuron("tau_syn tau_mem r v_leak v_threshold", 4), (4,), (4,)),
    "threshold": ("Threshold", neuron("threshold", 2, 3), (2, 3), (2, 3)),
    "scalar threshold": ("Threshold", neuron("threshold"), (2, 3), (2, 3)),
    "delay": ("Delay", neuron("delay", 4), (4,), (4,)),
    "no delay": ("Delay", {"delay": np.zeros(4)}, (4,), (4,)),
    "input and output": ("Scale", {"scale": full(1), "metadata": {"note": "kept"}}, (4,), (4,)),
}


def test_every_primitive_has_a_case() -> None:
    assert {kind for kind, *_ in CASES.values()} | {"Input", "Output"} == PRIMITIVES.keys()
    assert PRIMITIVES.keys() | {"NIRGraph", "NIRNode", "str2NIRNode", "dict2NIRNode"} == set(nir.ir.__all__)


@pytest.mark.parametrize("case", CASES)
def test_shapes(case: str, write_file: Write) -> None:
    kind, fields, taken, given = CASES[case]
    nodes = {"a": {"type": "Input", "shape": np.array(taken)}, "n": {"type": kind, **fields}, "z": {"type": "Output"}}
    network = read_network(write_file(nodes, [("a", "n"), ("n", "z")]))
    node = network.nodes["n"]
    assert (node.kind, node.input_shape, node.output_shape) == (kind, taken, given)
    assert network.nodes["a"].output_shape == taken
    assert network.nodes["z"].input_shape == given
    assert (network.inputs, network.outputs) == (("a",), ("z",))
    assert node.metadata == fields.get("metadata", {})
    for key, value in node.params.items():
        stored = fields.get(key)
        if isinstance(value, np.ndarray) and isinstance(stored, np.ndarray | np.floating):
            assert value.dtype == (stored.dtype.newbyteorder("=") if stored.dtype.kind == "f" else np.float32)
            assert not value.flags.writeable
            np.testing.assert_array_equal(value, np.broadcast_to(stored, value.shape))


def read(kind: str, fields: Fields, shape: tuple[int, ...], write_file: Write) -> Fields:
    nodes = {"a": {"type": "Input", "shape": np.array(shape)}, "n": {"type": kind, **fields}, "z": {"type": "Output"}}
    return dict(read_network(write_file(nodes, [("a", "n"), ("n", "z")])).nodes["n"].params)


def test_same_padding_puts_the_odd_one_at_the_end(write_file: Write) -> None:
    params = read(*CASES["conv2d same, dilated"][:3], write_file)
    assert params["padding"] == ((1, 2), (2, 2))  # 3 * (2 - 1) = 3 and 2 * (3 - 1) = 4 in all
    assert (params["stride"], params["dilation"], params["input_shape"]) == ((1, 1), (3, 2), (8, 6))


def test_defaults_of_old_files(write_file: Write) -> None:
    fields = {name: full(4, dtype=np.float64) for name in ["tau_syn", "tau_mem", "r", "v_leak", "v_threshold"]}
    params = read("CubaLIF", fields, (4,), write_file)
    np.testing.assert_array_equal(params["v_reset"], np.zeros(4))
    np.testing.assert_array_equal(params["w_in"], np.ones(4))
    assert params["v_reset"].dtype == params["w_in"].dtype == np.float64


def test_flatten_is_told_from_the_front(write_file: Write) -> None:
    assert read(*CASES["flatten from behind"][:3], write_file) == {"start_dim": 0, "end_dim": 1}


def test_scalars_take_no_memory(write_file: Write) -> None:
    params = read("LIF", neuron(LIF), (1 << 15, 1 << 15), write_file)
    assert params["tau"].shape == (1 << 15, 1 << 15)
    assert params["tau"].strides == (0, 0)


@pytest.mark.parametrize("case", [case for case, (kind, *_) in CASES.items() if kind not in ("Conv1d", "Conv2d")])
def test_the_same_from_memory(case: str, write_file: Write) -> None:
    kind, fields, taken, given = CASES[case]
    arguments = {"input_type": None} if kind == "Flatten" else {}
    arguments |= {key: np.asarray(value) for key, value in fields.items() if key not in ("input_type", "metadata")}
    shapes = {value.shape for value in arguments.values() if isinstance(value, np.ndarray)}
    if len(shapes) > 1 and kind in ("LIF", "CubaLIF"):
        return  # nir's own classes refuse mixed shapes
    nodes = {"a": nir.Input(np.array(taken)), "n": getattr(nir, kind)(**arguments), "z": nir.Output(np.array(given))}
    node = network_of(nir.NIRGraph(nodes, [("a", "n"), ("n", "z")], type_check=False)).nodes["n"]
    assert (node.kind, node.input_shape, node.output_shape) == (kind, taken, given)


@pytest.mark.parametrize("rank", [1, 2])
def test_conv_from_memory(rank: int) -> None:
    make: Any = (nir.Conv1d, nir.Conv2d)[rank - 1]
    weight, sizes = full(4, 1, *(3, 3)[:rank]), (7, 7)[:rank]
    node = make(None, weight, 2, "valid", 1, 2, full(4))
    nodes = {"a": nir.Input(np.array((2, *sizes))), "n": node, "z": nir.Output(None)}
    read = network_of(nir.NIRGraph(nodes, [("a", "n"), ("n", "z")], type_check=False)).nodes["n"]
    assert read.output_shape == (4, *(3, 3)[:rank])
    assert read.params["stride"] == (2, 2)[:rank]
    assert read.params["weight"].base is not None  # shared, not copied
    assert node.weight.flags.writeable
