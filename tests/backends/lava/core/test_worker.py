"""What a process does in a step: the host plays its streams and then silence, a core sends and receives in the order of its ports."""

from __future__ import annotations

import numpy as np

from backends.lava.core.core import Core
from backends.lava.core.recording import Recording
from backends.lava.core.worker import CoreWorker, HostWorker
from backends.lava.timing import Windows, timing_of
from ir.graph import GraphBuilder
from ir.ops import Input, Synapse
from ir.ops.integer_neuron import IntegerLif


def test_the_host_plays_every_stream_and_then_silence():
    host = HostWorker([np.array([[1, 2], [3, 4]]), np.array([[5], [6]])], [], [], np.int32)
    assert (host.sends, host.receives) == ((2, 1), ())
    played = []
    for _ in range(3):
        messages = host.step()
        assert all(message.dtype == np.int32 for message in messages)
        played.append([message.tolist() for message in messages])
        host.take([])
    assert played == [[[1, 2], [5]], [[3, 4], [6]], [[0, 0], [0]]]


def test_the_host_records_what_arrives_in_the_outputs_windows():
    windows, values = Windows(2, samples=2, lanes=2), np.full((2, 2, 3), -1)
    host = HostWorker([], [Recording((3,), 1, windows, values)], [6], np.int32)
    assert host.receives == (6,)
    for step in range(4):
        host.step()
        host.take([np.arange(6) + 10 * step])
    assert values.tolist() == [[[10, 11, 12], [13, 14, 15]], [[20, 21, 22], [23, 24, 25]]]


def test_a_core_sends_what_others_read_and_hands_on_what_arrives():
    b = GraphBuilder("net", 2)
    x, z = (b.add(Input("spike[2]"), name=name) for name in "xz")
    relay = IntegerLif(4095, 4096, 0, 6, 12, 24)
    y, w = (b.add(relay, b.add(Synapse(1), source, name="s"), name=name) for source, name in ((x, "y"), (z, "w")))
    graph = b.build({"y": y, "w": w})
    core = Core(graph, timing_of(graph, 2, samples=1), ("y", "w"), {})
    worker = CoreWorker(core, ("w",))
    assert (worker.sends, worker.receives, core.receives) == ((2,), (2, 2), ("x", "z"))
    assert [message.tolist() for message in worker.step()] == [[0, 0]]
    worker.take([np.array([1, 1]), np.array([0, 1])])
    assert [message.tolist() for message in worker.step()] == [[0, 1]]
    assert core.message("y").tolist() == [1, 1]
