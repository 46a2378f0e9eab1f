"""Windows of samples side by side and one after another, and when every value of a network is emitted."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.timing import Windows, sample_stream, timing_of
from ir.graph import GraphBuilder
from ir.ops import Add, Input, Synapse
from ir.ops.integer_neuron import IntegerLif


def test_windows_by_hand():
    windows = Windows(steps=3, samples=5, lanes=2)
    assert (windows.groups, windows.total) == (3, 9)
    at = [windows.at(local) for local in range(9)]
    assert [step for step, _ in at] == [0, 1, 2] * 3
    assert [(samples.start, samples.stop) for _, samples in at] == [(0, 2)] * 3 + [(2, 4)] * 3 + [(4, 5)] * 3


def test_a_run_without_end_has_no_total():
    assert Windows(3).total == 0
    assert Windows(0).total == 0
    assert (Windows(4, samples=1).groups, Windows(4, samples=1).total) == (1, 4)


@pytest.mark.parametrize(("samples", "lanes"), [(4, 1), (4, 2), (5, 2), (3, 7)])
def test_every_sample_is_in_its_window_and_lane(samples: int, lanes: int):
    values = 1 + np.arange(3 * samples * 2).reshape(3, samples, 2)
    stream, windows = sample_stream(values, lanes), Windows(3, samples, lanes)
    assert stream.shape == (windows.total, lanes * 2)
    by_lane, left = stream.reshape(windows.total, lanes, 2), 0
    for local in range(windows.total):
        step, group = windows.at(local)
        present = group.stop - group.start
        assert np.array_equal(by_lane[local, :present], values[step, group])
        assert not by_lane[local, present:].any(), "lanes without a sample are silent"
        left += lanes - present
    assert left == 3 * (-samples % lanes)


def test_values_keep_their_dtype_and_any_shape():
    stream = sample_stream(np.ones((2, 3, 4, 5), np.uint8), 2)
    assert (stream.shape, stream.dtype) == ((4, 40), np.uint8)
    assert sample_stream(np.ones((2, 3), np.float32)).shape == (6, 1)


def test_depths_latency_and_window():
    b = GraphBuilder("net", 3)
    x, relay = b.add(Input("spike[1]"), name="x"), IntegerLif(4095, 4096, 0, 6, 12, 24)
    y = b.add(relay, b.add(Synapse(1), x, name="s"), name="y")
    z = b.add(relay, b.add(Synapse(1), y, name="t"), b.add(Synapse(1), x, name="u"), name="z")
    timing = timing_of(b.build({"z": z, "sum": b.add(Add(), z, y, name="sum")}), 3, samples=4, lanes=2)
    assert timing.depth == {"x": 0, "y": 1, "z": 2}
    assert timing.outputs == {"z": 2, "sum": 3}
    assert (timing.latency, timing.window, timing.windows) == (3, 3, Windows(3, 4, 2))
