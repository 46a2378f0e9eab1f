"""The defining engine: every event by hand, in an arithmetic that follows the network, not the dtype in which spikes are stored."""

from __future__ import annotations

import numpy as np
import pytest

from backends.interpreter import InterpreterEngine
from backends.trace import Events
from ir.graph import GraphBuilder
from ir.ops import Conv, Graded, Input, Linear, Synapse
from ir.ops.integer_neuron import IntegerLif


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_spikes_of_any_type_reach_real_weights_unrounded(kind: type):
    spikes = np.ones((1, 1, 2), kind)
    weight = np.array([[0.25, 0.5]], np.float32)
    assert Linear().run((spikes,), {"weight": weight}, 1).item() == 0.75
    conv = Conv(stride=(1,), padding=(0,), dilation=(1,))
    assert conv.run((spikes[:, :, None],), {"weight": weight[None]}, 1).item() == 0.75


def test_every_event_by_hand():
    """Two steps of one sample: x = [1, 1, 0], [0, 0, 1] over a kernel of two taps into two channels, then three outputs."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[1x3]"), name="x")
    taps = b.param("k", np.array([[[3, 0]], [[1, 1]]], np.int8))
    conv = b.add(Conv(stride=(1,), padding=(0,), dilation=(1,)), x, name="conv", params={"weight": taps})
    y = b.add(IntegerLif(4095, 4096, 1, 6, 12, 24), conv, name="y")
    weight = b.param("w", np.array([[1, 2], [0, 0], [-4, 1]], np.int8))
    current = b.add(Linear(), y, name="l", params={"weight": weight})
    graph = b.build({"g": b.add(Graded(8), current, name="g")})
    trace = InterpreterEngine(graph).run({"x": np.array([[[[1, 1, 0]]], [[[0, 0, 1]]]], np.uint8)}, ("y", "g", "x"))
    assert trace.emissions["y"][:, 0].tolist() == [[[1, 1], [1, 0]], [[0, 0], [0, 0]]]
    assert trace.outputs["g"][:, 0].tolist() == [[[3, 0, -3], [1, 0, -4]], [[0, 0, 0]] * 2]
    assert [trace.emissions[name].dtype for name in ("x", "y", "g")] == [np.uint8, np.uint8, np.int32]
    assert trace.events == Events(
        samples=1,
        steps=2,
        spikes={"x": 3, "y": 3, "g": 4},
        synaptic={"conv": 2 * (1 + 2) + 2 * 1, "l": 3 * 3},  # an input at the border reaches one position
        updates={"y": 2 * 4, "g": 2 * 6},
    )


def test_real_payloads_keep_the_sources_dtype():
    for dtype in ("float32", "float64"):
        b = GraphBuilder("real", 1, dtype=dtype)
        y = b.add(Graded(24), b.add(Synapse(0.5), b.add(Input("spike[1]"), name="x"), name="s"), name="y")
        trace = InterpreterEngine(b.build({"y": y})).run({"x": np.ones((1, 1, 1), np.uint8)}, ("y",))
        assert trace.emissions["y"].dtype == dtype
        assert trace.emissions["y"].item() == 0.5
