"""Blueprints: boundary ports with shapes, outputs and their emissions, loose ends tied to one process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backends.lava.core.worker import HostWorker
from backends.lava.emit.blueprint import Blueprint, CorePart, LifPart, Part, Port, SynapsesPart, emission_of, finish
from backends.lava.timing import timing_of
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Permute, Synapse
from ir.ops.integer_neuron import IntegerLif

RELAY = IntegerLif(4095, 4096, 0, 6, 12, 24)


def net() -> Graph:
    """A vector and a single value in, a population, routed wires and an input out."""
    b = GraphBuilder("net", 2)
    x, one = b.add(Input("spike[2x3]"), name="x"), b.add(Input("spike[]"), name="one")
    y = b.add(RELAY, b.add(Synapse(1), x, name="s"), name="y")
    turned = b.add(Permute((1, 0)), y, name="turned")
    outputs = {"y": y, "turned": turned, "sum": b.add(Add(), x, y, name="sum"), "one": one}
    return b.build(outputs)


def core(*sends: int, receives: Sequence[int] = ()) -> CorePart:
    return CorePart(HostWorker([np.zeros((1, size)) for size in sends], [], receives, np.int32))


def finished(parts: dict[str, Part], wires: list[tuple[Port, Port]], lanes: int = 1) -> Blueprint:
    graph = net()
    return finish(graph, timing_of(graph, 2, samples=lanes, lanes=lanes), parts, wires, np.int32)


WHOLE = [(("", "x"), ("a", "in_0")), (("", "one"), ("a", "in_1")), (("a", "out_0"), ("", "y"))]


@pytest.mark.parametrize(("lanes", "more"), [(1, ()), (4, (4,))])
def test_ports_have_the_shapes_of_the_chips_values(lanes: int, more: tuple[int, ...]):
    blueprint = finished({"a": core(6)}, WHOLE, lanes)
    assert blueprint.inputs == {"x": (*more, 2, 3), "one": (*more, 1)}
    assert blueprint.outputs == {"y": (*more, 2, 3), "turned": (*more, 3, 2), "sum": (*more, 2, 3), "one": (*more, 1)}


def test_populations_carry_their_own_outputs_and_readouts_the_rest():
    assert [emission_of(net(), name) for name in ("y", "turned", "sum", "one")] == [
        "y",
        "output:turned",
        "output:sum",
        "output:one",
    ]


def test_a_connected_network_stays_as_it_is():
    parts = {"a": core(6), "b": core(6, 4)}
    wires = [*WHOLE, (("a", "out_0"), ("b", "in_0"))]
    blueprint = finished(parts, wires)
    assert blueprint.parts == parts
    assert blueprint.wires == wires


def test_pieces_and_unread_inputs_meet_in_one_process():
    """Lava leaves out what is not connected: an island of two parts, one of Lava's own, and an input that nobody reads."""
    lif = LifPart(5, 4095, 0, 1, np.zeros(1), np.zeros(1), 0)
    synapses = SynapsesPart(np.ones((7, 5)), "EXCITATORY", 0)
    parts: dict[str, Part] = {"a": core(6), "lif": lif, "synapses": synapses, "alone": core(2, 8)}
    wires: list[tuple[Port, Port]] = [
        (("", "x"), ("a", "in_0")),
        (("a", "out_0"), ("", "y")),
        (("lif", "s_out"), ("synapses", "s_in")),
        (("alone", "out_1"), ("", "turned")),
    ]
    blueprint = finished(parts, wires)
    tie = blueprint.parts["tie"]
    assert isinstance(tie, CorePart)
    ends = {start: end for start, end in blueprint.wires if end[0] == "tie"}
    assert set(ends) == {("a", "out_0"), ("lif", "s_out"), ("alone", "out_1"), ("", "one")}
    assert [tie.worker.receives[int(ends[start][1].removeprefix("in_"))] for start in ends] == [6, 5, 8, 1]
    assert tie.worker.sends == ()
    assert list(blueprint.wires)[: len(wires)] == wires
    tie.worker.take([np.ones(size, np.int32) for size in tie.worker.receives])
