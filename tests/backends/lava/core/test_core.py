"""A core step by step: who emits when, a fresh state in every window, what other cores receive, what shares a core."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.core import Core, core_groups
from backends.lava.core.recording import Recording
from backends.lava.core.stage import READOUT
from backends.lava.timing import timing_of
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

COUNT = IntegerLif(4095, 0, 1, 6, 12, 24)
"""Fires at every second spike that it receives."""
RELAY = IntegerLif(4095, 4096, 0, 6, 12, 24)
"""Fires where it receives a spike."""


def net(steps: int = 3) -> Graph:
    """x -> relay -> y, and x to y past the relay."""
    b = GraphBuilder("net", steps)
    x = b.add(Input("spike[1]"), name="x")
    relay = b.add(RELAY, b.add(Synapse(1), x, name="s"), name="relay")
    y = b.add(COUNT, b.add(Synapse(1), relay, name="t"), b.add(Synapse(1), x, name="u"), name="y")
    return b.build({"y": y, "both": b.add(Add(), relay, y, name="both")})


def run(core: Core, stream: list[int], steps: int) -> dict[str, list[float]]:
    """Emission -> its value at every hardware step."""
    values: dict[str, list[float]] = {name: [] for name in core.emits}
    for step in range(steps):
        core.step()
        for name, emitted in values.items():
            emitted.append(core.message(name).item())
        core.receive({"x": np.array([stream[step] if step < len(stream) else 0])})
    return values


def test_values_come_by_depth_and_windows_start_from_zero():
    """y hears both at once, two steps behind x; of its two windows the second does not remember the spike of the first."""
    graph = net()
    timing = timing_of(graph, 3, samples=2)
    core = Core(graph, timing, ("relay", "y", READOUT + "both"), {})
    assert (core.receives, core.sizes) == (("x",), {"x": 1})
    values = run(core, [0, 0, 1, 1, 1, 0], 10)
    assert values["relay"] == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert values["y"] == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0], "two spikes at every step are one at once"
    assert values[READOUT + "both"] == [0, 0, 0, 0, 0, 2, 2, 2, 0, 0], "a readout costs a step of its own"


def test_a_sum_is_forgotten_at_the_end_of_a_window():
    b = GraphBuilder("count", 3)
    x = b.add(Input("spike[1]"), name="x")
    graph = b.build({"y": b.add(COUNT, b.add(Synapse(1), x, name="s"), name="y")})
    stream = [1, 0, 0, 1, 0, 1]
    assert run(Core(graph, timing_of(graph, 3, samples=2), ("y",), {}), stream, 7)["y"] == [0, 0, 0, 0, 0, 0, 1]
    streaming = Core(graph, timing_of(graph, 0), ("y",), {})
    assert run(streaming, stream, 7)["y"] == [0, 0, 0, 0, 1, 0, 0], "a network without windows remembers"


def test_emissions_of_another_core_are_received():
    graph = net()
    timing = timing_of(graph, 3, samples=1)
    first, second = Core(graph, timing, ("relay",), {}), Core(graph, timing, ("y",), {})
    assert (first.receives, second.receives) == (("x",), ("x", "relay"))
    fired = []
    for x in (1, 0, 1, 0, 0):
        for core in (first, second):
            core.step()
        fired.append(second.message("y").item())
        messages = {"x": np.array([x]), "relay": first.message("relay")}
        for core in (first, second):
            core.receive({name: messages[name] for name in core.receives})
    assert fired == [0, 0, 1, 0, 1]


@pytest.mark.parametrize("lanes", [1, 2])
def test_what_is_emitted_is_recorded_by_sample(lanes: int):
    graph = net()
    timing = timing_of(graph, 3, samples=2, lanes=lanes)
    values = np.full((3, 2, 1), -1)
    core = Core(graph, timing, ("relay",), {"relay": Recording((1,), 1, timing.windows, values)})
    streams = [[1, 0, 1], [0, 0, 1]]
    for step in range(timing.windows.total + 1):
        core.step()
        group, at = divmod(step, 3)
        samples = streams[group * lanes : (group + 1) * lanes] or [[0] * 3] * lanes
        core.receive({"x": np.array([stream[at] for stream in samples])})
    assert values[:, :, 0].T.tolist() == streams


def test_populations_of_a_loop_share_a_core_and_others_do_not():
    b = GraphBuilder("loop", 0)
    x = b.add(Input("spike[1]"), name="x")
    before = b.add(RELAY, b.add(Synapse(1), x, name="s"), name="before")
    back = b.add(Past("second", "spike[1]"), name="back")
    first = b.add(COUNT, b.add(Synapse(1), before, name="t"), b.add(Synapse(1), back, name="u"), name="first")
    second = b.add(COUNT, b.add(Synapse(1), first, name="v"), name="second")
    after = b.add(RELAY, b.add(Synapse(1), second, name="w"), name="after")
    graph = b.build({"after": after})
    assert core_groups(graph, timing_of(graph, 4)) == [("before",), ("first", "second"), ("after",)]
    assert core_groups(net(), timing_of(net(), 3)) == [("relay",), ("y",)]
