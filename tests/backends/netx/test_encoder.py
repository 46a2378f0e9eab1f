"""Neurons at the input, which netx drives by their bias."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from backends.netx.encoder import encoder_entries, encoder_of
from backends.netx.file import net_file
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Reshape
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Synapse
from tests.backends.netx_oracle import loaded, outputs_of


def encoding(chip: Any, weight: int = 72, kind: str = "graded<8>[4]*0.03125", **constants: Any) -> Graph:
    """Values to spikes, and a dense layer."""
    net = chip()
    wire = net.builder.add(Synapse(weight), net.input(kind), name="wire")
    fixed = {"du": 4095, "dv": 1024, "vth": 25 << 6, "shift": 0, **constants}
    first = net.lif(wire, name="first", biased=True, **fixed)
    return net.graph(net.lif(net.linear(first, 3), name="out"))


def alike(chip: Any) -> Graph:
    """The same with one bias for all."""
    net = chip()
    wire = net.builder.add(Synapse(72), net.input("graded<8>[4]*0.03125"), name="wire")
    bias = net.builder.param("bias", np.full(4, 34 << 6, np.int32))
    op = IntegerLif(4095, 1024, 25 << 6, 0, 12, 24)
    first = net.builder.add(op, wire, name="first", params={"bias": bias})
    return net.graph(net.lif(net.linear(first, 3), name="out"))


def test_an_input_layer_says_weight_bias_and_neurons(chip: Any) -> None:
    graph = alike(chip)
    entries = encoder_entries(graph, graph.nodes["first"])
    assert entries["type"] == "input"
    assert {name: np.asarray(entries[name]).tolist() for name in ("shape", "weight", "bias")} == {
        "shape": [4],
        "weight": 36,
        "bias": 34,
    }
    neuron = entries["neuron"]
    assert isinstance(neuron, Mapping)
    assert int(np.asarray(neuron["vThMant"])) == 25


def test_which_populations_encode(chip: Any) -> None:
    graph = encoding(chip)
    assert encoder_of(graph) == graph.nodes["first"]
    assert encoder_of(encoding(chip, weight=71)) is None, "half a weight"
    assert encoder_of(encoding(chip, kind="graded<8>[4]")) is None, "values in other units"
    assert encoder_of(encoding(chip, shift=6)) is None, "payloads"
    with pytest.raises(CompileError, match="%first: neurons at the input share their bias"):
        encoder_entries(graph, graph.nodes["first"])


def test_an_image_of_neurons_is_flattened_before_a_matrix(chip: Any) -> None:
    net = chip()
    wire = net.builder.add(Synapse(72), net.input("graded<8>[1x2x3]*0.03125"), name="wire")
    first = net.builder.add(IntegerLif(4095, 1024, 25 << 6, 0, 12, 24), wire, name="first")
    vector = net.builder.add(Reshape((6,)), first, name="vector")
    with h5py.File(io.BytesIO(net_file(net.graph(net.lif(net.linear(vector, 2), name="out"))).content)) as file:
        assert [file[f"layer/{k}/type"][()].decode() for k in range(3)] == ["input", "flatten", "dense"]
        assert file["layer/0/shape"][()].tolist() == [1, 2, 3]


@pytest.mark.lava
def test_netx_fires_as_the_interpreter_once_its_bias_is_the_input(chip: Any, tmp_path: Path) -> None:
    net = alike(chip)
    file = net_file(net)
    assert (file.arguments, file.latency, [*file.inputs]) == ({}, 1, ["first"])
    values = np.array([-40, 3, 27, 127])
    network = loaded(tmp_path / file.name, file)
    network.in_layer.neuron.bias_exp.init = 0
    network.in_layer.neuron.bias_mant.init = 72 * values + 64 * 34
    emitted = outputs_of(network, 15 + file.latency)[file.latency :]
    (known,) = interpret(net, {"x": np.tile(values, (15, 1, 1))}).values()
    assert known.any()
    np.testing.assert_array_equal(emitted, known[:, 0])
