"""The stock emission: processes and delays that Lava's own processes are given, and what falls back to our own."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.emit import stock
from backends.lava.emit.blueprint import CorePart, LifPart, SynapsesPart
from backends.lava.emit.stock import emit_stock
from backends.lava.engine import LavaEngine
from backends.lava.timing import timing_of
from backends.lava.validate import with_input_range
from ir.graph import GraphBuilder
from ir.ops import Graded, Input, Linear, Synapse
from ir.ops.integer_neuron import IntegerLif


def chain(length, neuron=None, weight=5):
    """A chain of populations and a shortcut from the input to its end."""
    b = GraphBuilder("chain", 2)
    x = b.add(Input("spike[3]"), name="x")
    last = x
    for k in range(length):
        last = b.add(IntegerLif(4095, 0, 0, 6, 12, 24), b.add(Synapse(1), last, name=f"s{k}"), name=f"p{k}")
    end = neuron or IntegerLif(4095, 2048, 2, 6, 12, 24)
    currents = [b.add(Synapse(weight), x, name="skip"), b.add(Synapse(-2), last, name="main")]
    return b.build({"y": b.add(end, *currents, name="y")})


def parts_of(graph):
    return emit_stock(graph, timing_of(graph, graph.steps), {}).parts


def test_long_shortcuts_are_chains_of_relays():
    delays = [part.delay for name, part in parts_of(chain(130)).items() if name.startswith("x+")]
    assert sorted(delays) == [1, 63, 63]
    assert sum(1 + delay for delay in delays) == 130


@pytest.mark.slow
@pytest.mark.parametrize("longest", [0, 1, 2, 63])
def test_shortcuts_arrive_in_time(longest, expected, monkeypatch):
    monkeypatch.setattr(stock, "LONGEST_DELAY", longest)
    graph = chain(6)
    inputs = {"x": (np.random.default_rng(0).random((2, 9, 3)) < 0.5).astype(np.int64)}
    outputs, _, _ = expected(graph, inputs)
    found = LavaEngine(graph, "stock").run(inputs).outputs["y"]
    assert np.array_equal(found, outputs["y"])
    assert 0.1 < found.mean() < 0.9


def test_what_lava_ships_is_used_where_it_can_say_it():
    kinds = {name: type(part) for name, part in parts_of(chain(2)).items()}
    assert kinds["p0"] is kinds["p1"] is kinds["y"] is LifPart
    assert kinds["p0<s0<x"] is SynapsesPart
    assert CorePart not in kinds.values()


@pytest.mark.lava
@pytest.mark.parametrize(
    "graph",
    [
        chain(1, neuron=Graded(8)),
        chain(1, neuron=IntegerLif(4095, 0, 4, 5, 12, 24)),
        chain(1, neuron=IntegerLif(4095, 0, 4, 6, 12, 23)),
        chain(1, weight=257),
    ],
    ids=["graded", "shift", "state", "weight"],
)
def test_what_lava_cannot_say_becomes_a_process_of_our_own(graph, expected):
    assert [name for name, part in parts_of(graph).items() if isinstance(part, CorePart)] == ["y"]
    inputs = {"x": (np.random.default_rng(0).random((2, 5, 3)) < 0.5).astype(np.int64)}
    if any(node.op.kind == "integer_lif" for node in graph.nodes.values()):
        outputs, _, _ = expected(graph, inputs)
        assert np.array_equal(LavaEngine(graph, "stock").run(inputs).outputs["y"], outputs["y"])


def biased(bias, payload=8):
    b = GraphBuilder("biased", 1)
    x = b.add(Input(f"graded<{payload}>[2]"), name="x")
    params = {"bias": b.param("b", np.array(bias, np.int32))}
    weight = {"weight": b.param("w", np.array([[3, -7], [11, 90]], np.int8))}
    return b.build(
        {
            "y": b.add(
                IntegerLif(4095, 0, 5, 6, 12, 24), b.add(Linear(), x, name="l", params=weight), name="y", params=params
            )
        }
    )


def test_biases_become_mantissas_and_exponents():
    part = parts_of(biased([-(3 << 15), 7]))["y"]
    assert isinstance(part, LifPart)
    assert np.array_equal(part.bias_mantissa << part.bias_exponent, [-(3 << 15), 7])
    assert np.abs(part.bias_mantissa).max() < 1 << 15
    assert isinstance(parts_of(biased([32769, 0]))["y"], CorePart)


def test_payloads_that_could_overflow_lavas_integers_depend_on_their_range():
    wide = biased([0, 0], payload=24)
    assert isinstance(parts_of(wide)["y"], CorePart)
    assert isinstance(parts_of(with_input_range(wide, {"x": 4000}))["y"], LifPart)
