"""Files that lava-dl's netx runs: spike for spike what the interpreter says, and read back as what was written."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from backends.netx.emitted_file import EmittedFile, Place
from backends.netx.file import net_file
from frontend.netx.network import read_net
from ir.errors import DeployError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Delay, Past, Reshape
from ir.ops.integer_neuron import IntegerLeaky


def image(chip: Any, kind: str = "graded<8>[2x7x6]") -> Graph:
    """Payloads into convolutions with strides, groups and dilation, a dense layer behind them; biases everywhere."""
    net = chip(6)
    one = net.lif(net.conv(net.input(kind), 4, (3, 3), padding=(1, 0), stride=(2, 1)), name="one", biased=True)
    two = net.lif(net.conv(one, 6, (2, 2), groups=2, dilation=(2, 1)), name="two", biased=True)
    vector = net.builder.add(Reshape((net.builder.type(two).size,)), two, name="flat")
    return net.graph(net.lif(net.linear(vector, 5), name="out", biased=True))


def sequence(chip: Any) -> Graph:
    """A convolution over one axis, without windows or biases."""
    net = chip(0)
    return net.graph(net.lif(net.conv(net.input("spike[2x9]"), 4, (3,), padding=(1,), stride=(2,)), name="out"))


def recurrent(chip: Any) -> Graph:
    """A layer with a bias that feeds back to itself."""
    net = chip(10)
    before = net.builder.add(Past("one", "spike[8]"), name="before")
    one = net.lif(net.linear(net.input("spike[6]"), 8), net.linear(before, 8), name="one", biased=True, vth=90)
    return net.graph(net.lif(net.linear(one, 4), name="out"))


def residual(chip: Any) -> Graph:
    """Two inputs, a shortcut over two layers, and a hidden population that leaves the chip: relays take them along."""
    net = chip(7)
    x, y = net.input("spike[6]"), net.input("spike[2x2]", "y")
    one = net.lif(net.linear(x, 8), name="one", biased=True)
    two = net.lif(net.linear(one, 8), name="two", biased=True)
    vector = net.builder.add(Reshape((4,)), y, name="flat")
    out = net.lif(net.linear(two, 5), net.linear(one, 5), net.linear(vector, 5), name="out", biased=True)
    return net.graph(out, "one")


def late(chip: Any) -> Graph:
    """Every element of a layer late by steps of its own."""
    net = chip(0)
    one = net.lif(net.linear(net.input("spike[6]"), 8), name="one")
    steps = net.builder.param("steps", np.array([0, 5, 2, 2, 0, 1, 3, 0]))
    line = net.builder.add(Delay(), one, name="line", params={"steps": steps})
    return net.graph(net.lif(net.linear(line, 8), name="out"))


def tied(chip: Any) -> Graph:
    """Biases in a network without windows: one reset, at the beginning of every layer's."""
    net = chip(0)
    one = net.lif(net.linear(net.input("spike[6]"), 8), name="one", biased=True)
    return net.graph(net.lif(net.linear(one, 5), name="out", biased=True))


RESET = {"reset_interval": 6, "reset_offset": 1}
CASES: dict[str, tuple[Callable[..., Graph], dict[str, int], int, bool, int]] = {
    "image": (image, {**RESET, "input_message_bits": 8}, 3, True, 0),
    "sequence": (sequence, {}, 1, False, 0),
    "recurrent": (recurrent, {**RESET, "reset_interval": 10}, 2, False, 0),
    "residual": (residual, {**RESET, "reset_interval": 7}, 3, True, 24),
    "late": (late, {}, 2, False, 0),
    "tied": (tied, {**RESET, "reset_interval": 1 << 20}, 2, False, 0),
}
"""Name -> graph, and what its file says: arguments of the loader, latency, whether samples may follow each other, relays."""


@pytest.mark.parametrize("name", CASES)
def test_what_a_file_is_to_be_loaded_with(chip: Any, name: str) -> None:
    make, *said = CASES[name]
    file = net_file(make(chip))
    assert [file.arguments, file.latency, file.back_to_back, file.relays] == said
    assert file == net_file(make(chip)), "the same network is the same bytes"


@pytest.mark.lava
@pytest.mark.parametrize("name", ["image", "recurrent", "residual", "late"])
def test_netx_fires_as_the_interpreter(
    chip: Any, name: str, assert_netx_fires_alike: Callable[..., EmittedFile]
) -> None:
    graph = CASES[name][0](chip)
    assert_netx_fires_alike(graph, net_file(graph))


@pytest.mark.parametrize("make", [sequence, late], ids=["sequence", "late"])
def test_without_biases_a_file_reads_back_as_the_network(chip: Any, tmp_path: Path, make: Callable[..., Graph]) -> None:
    graph = make(chip)
    (tmp_path / "net.net").write_bytes(net_file(graph).content)
    network = read_net(tmp_path / "net.net").deployment.chip
    assert net_file(network).content == net_file(graph).content
    (node,) = graph.inputs
    spikes = np.random.default_rng(1).integers(0, 2, (20, 3, node.type.size))
    ((known,), (read,)) = (
        interpret(each, {each.inputs[0].name: spikes.reshape(20, 3, *each.inputs[0].type.shape)}).values()
        for each in (graph, network)
    )
    assert known.any()
    np.testing.assert_array_equal(read.reshape(known.shape), known)


def test_a_windowed_file_says_how_long_a_sample_is(chip: Any) -> None:
    with h5py.File(io.BytesIO(net_file(image(chip)).content)) as file:
        assert {name: int(value[()]) for name, value in file["simulation"].items()} == {"Ts": 1, "tSample": 6}
        assert [file[f"layer/{k}/type"][()].decode() for k in range(5)] == ["input", "conv", "conv", "flatten", "dense"]
        assert file["layer/0/shape"][()].tolist() == [2, 7, 6]
        assert file["layer/3/shape"][()].tolist() == [6 * 2 * 3, 1, 1]


def test_where_inputs_and_outputs_lie(chip: Any) -> None:
    file = net_file(residual(chip))
    assert file.inputs == {"x": Place(0, 6), "y": Place(6, 10)}
    assert file.outputs == {"one": Place(0, 8), "out": Place(8, 13)}
    net = chip(4)
    current = net.linear(net.input("spike[3]"), 2)
    out = net.builder.add(IntegerLeaky(4095, 0, 6, 12, 24, 24), current, name="out")
    assert net_file(net.graph(out)).outputs == {"out": Place(0, 2, "voltage")}


def test_all_layers_that_cannot_be_said_are_named(chip: Any) -> None:
    net = chip(4)
    one = net.lif(net.linear(net.input("spike[3]"), 2, [[200, -101, 0], [1, 1, 1]]), name="one")
    two = net.lif(net.linear(one, 2), name="two", reset="subtract", theta=640)
    with pytest.raises(DeployError) as caught:
        net_file(net.graph(two))
    assert [violation.rule for violation in caught.value.violations] == ["netx.weight", "netx.neuron"]
    assert "%two resets by subtract" in caught.value.violations[1].what
