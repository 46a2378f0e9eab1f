"""Convolutional layers: which populations are one, and their kernels in the file's axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.netx.images import image_layer, image_shape
from backends.netx.layer import NetxLayer
from backends.netx.levels import levels_of
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Delay, Permute, Reshape
from ir.ops.linear import Synapse


def layer(graph: Graph) -> NetxLayer | None:
    return image_layer(levels_of(graph, [node.name for node in graph.inputs]), 1)


def test_shapes_of_images() -> None:
    assert image_shape((2, 5, 4)) == (2, 5, 4)
    assert image_shape((2, 7)) == (2, 1, 7)
    assert image_shape((9,)) is None
    assert image_shape((2, 3, 4, 5)) is None
    assert image_shape(()) is None


def test_a_kernel_keeps_its_axes(chip: Any) -> None:
    net = chip()
    options: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
    own = layer(net.graph(net.lif(net.conv(net.input("spike[2x7x6]"), 4, (3, 2), **options), name="out")))
    assert own is not None
    assert (own.kind, own.shape, own.late, own.remembers) == ("conv", (4, 4, 4), 0, False)
    assert {name: np.asarray(value).tolist() for name, value in own.synapses.items() if name != "weight"} == {
        "inChannels": 2,
        "outChannels": 4,
        "kernelSize": [3, 2],
        "stride": [2, 1],
        "padding": [1, 0],
        "dilation": [1, 2],
        "groups": 2,
    }
    assert np.shape(np.asarray(own.synapses["weight"])) == (4, 1, 3, 2)


def test_a_sequence_is_an_image_of_height_one_and_unit_synapses_are_a_kernel(chip: Any) -> None:
    net = chip()
    own = layer(net.graph(net.lif(net.conv(net.input("spike[2x9]"), 4, (3,), padding=(1,), stride=(2,)), name="out")))
    assert own is not None
    assert (own.shape, np.asarray(own.synapses["padding"]).tolist()) == ((4, 1, 5), [0, 1])
    net = chip()
    wire = net.builder.add(Synapse(7), net.input("graded<8>[2x3x3]"), name="wire")
    own = layer(net.graph(net.lif(wire, name="out")))
    assert own is not None
    assert (np.asarray(own.synapses["weight"]).tolist(), int(np.asarray(own.synapses["groups"]))) == ([[[[7]]]] * 2, 2)


def test_a_layer_that_is_late_as_a_whole_says_so(chip: Any) -> None:
    net = chip()
    line = net.builder.add(Delay(3), net.input("spike[2x5x5]"), name="line")
    own = layer(net.graph(net.lif(net.conv(line, 4, (3, 3)), name="out")))
    assert own is not None
    assert own.late == 3
    with pytest.raises(CompileError, match="delays of up to 2 steps") as caught:
        own.entries(1)
    assert caught.value.rule == "netx.delay"


def test_what_is_no_convolution_of_the_image_before(chip: Any) -> None:
    net = chip()
    x = net.input("spike[2x5x5]")
    turned = net.builder.add(Permute((0, 2, 1)), x, name="turned")
    assert layer(net.graph(net.lif(net.conv(turned, 4, (3, 3)), name="out"))) is None, "another order of pixels"
    net = chip()
    x = net.input("spike[2x5x5]")
    assert layer(net.graph(net.lif(net.conv(x, 4, (3, 3)), net.conv(x, 4, (3, 3)), name="out"))) is None, "two kernels"
    net = chip()
    spread = net.conv(net.input("spike[2x5x5]"), 4, (3, 3), spread=(2, 2))
    assert layer(net.graph(net.lif(spread, name="out"))) is None, "a transposed convolution"
    net = chip()
    vector = net.builder.add(Reshape((50,)), net.input("spike[2x5x5]"), name="vector")
    assert layer(net.graph(net.lif(net.linear(vector, 4), name="out"))) is None, "a matrix"


def test_neurons_that_differ_within_a_channel_need_a_matrix(chip: Any) -> None:
    net = chip()
    current = net.conv(net.input("spike[1x4x4]"), 2, (3, 3))
    thresholds = net.builder.param("vth", np.arange(20, 28, dtype=np.int32).reshape(2, 2, 2))
    out = net.lif(current, name="same", vth=30)
    node = net.builder.node(out)
    net.builder.add(node.op, current, name="own", params={"vth": thresholds})
    assert layer(net.graph("own")) is None


def test_weights_and_sums_are_checked(chip: Any) -> None:
    net = chip()
    wide = net.input("graded<20>[40x9x9]")
    with pytest.raises(CompileError, match="its sums could leave 24 bits"):
        layer(net.graph(net.lif(net.conv(wide, 2, (9, 9)), name="out")))
    net = chip()
    wire = net.builder.add(Synapse(300), net.input("spike[2x3x3]"), name="wire")
    with pytest.raises(CompileError, match=r"weights of 300\.\.300"):
        layer(net.graph(net.lif(wire, name="out")))
