"""Pieces of random networks (routing, gates, payloads, loops, delays), fed with what was recorded, emit what was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.interpreter import InterpreterEngine
from compile.measure.in_pieces.pieces import piece_of, pieces_that_fit
from ir.analysis.fan_in import populations
from ir.graph import Graph, GraphBuilder
from ir.ops import Gate, Graded, Input, IntegerLif, Linear, Past, Synapse
from ir.verify import verify
from tests.backends.lava.conftest import build_network
from tests.backends.lava.test_random_loops import Draw


def _names(graph: Graph) -> tuple[str, ...]:
    return tuple(node.name for node in populations(graph))


def _random(seed: int, loops: bool) -> tuple[Graph, Any]:
    if not loops:
        return build_network(seed)
    draw = Draw("integer", np.random.default_rng(seed))
    return draw.network(6), draw.inputs(7, 2)


@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [2, 99])
def test_pieces_of_random_networks(seed: int, loops: bool, most: int):
    chip, inputs = _random(seed, loops)
    whole = InterpreterEngine(chip).run(inputs, (*inputs, *_names(chip)))
    pieces = pieces_that_fit(chip, (), lambda piece: len(_names(piece.graph)) <= most)
    if most == 99:
        assert [_names(piece.graph) for piece in pieces] == [_names(chip)]
        assert pieces[0].graph.outputs.items() >= chip.outputs.items()
    for piece in pieces:
        verify(piece.graph, "quantized")
        assert piece.graph.is_integer
        fed = {node.name: whole.emissions[node.name] for node in piece.graph.inputs}
        trace = InterpreterEngine(piece.graph).run(fed, piece.compared)
        for name in piece.compared:
            assert np.array_equal(trace.emissions[name], whole.emissions[name]), name
        for output, value in piece.graph.outputs.items():
            expected = whole.emissions.get(value, whole.outputs.get(output))
            assert expected is not None
            assert np.array_equal(trace.outputs[output], expected), output


def _chain() -> Graph:
    """x -> a <-> b -> gate (opened by x) -> payload -> c; a and b are a loop."""
    b = GraphBuilder("chain", 3)
    weight = {"weight": b.param("w", np.full((4, 4), 2, np.int8))}
    neuron = IntegerLif(4095, 2048, 3, 6, 12, 24)
    x = b.add(Input("spike[4]"), name="x")
    back = b.add(Past("b", "spike[4]"), name="back")
    first = b.add(neuron, b.add(Linear(), x, name="in", params=weight), b.add(Synapse(1), back, name="s"), name="a")
    second = b.add(neuron, b.add(Linear(), first, name="ab", params=weight), name="b")
    opened = b.add(Synapse(1), x, name="open")
    gate = b.add(Gate(8, enables=1), b.add(Synapse(1), second, name="bg"), opened, name="gate")
    payload = b.add(Graded(8), b.add(Synapse(1), gate, name="gp"), name="payload")
    c = b.add(neuron, b.add(Linear(), payload, name="pc", params=weight), name="c")
    return b.build({"c": c, "payload": payload})


def test_loops_stay_whole_and_gates_stay_with_the_integers_behind_them():
    chip = _chain()
    pieces = pieces_that_fit(chip, (), lambda piece: len(_names(piece.graph)) <= 3)
    assert [_names(piece.graph) for piece in pieces] == [("a", "b"), ("gate", "payload", "c")]
    assert [[node.name for node in piece.graph.inputs] for piece in pieces] == [["x"], ["x", "b"]]
    assert pieces_that_fit(chip, (), lambda piece: len(_names(piece.graph)) <= 1) == ()


@pytest.mark.parametrize(
    ("names", "probes", "compared", "outputs"),
    [
        (("a", "b"), (), ("b",), {"b"}),  # a is read inside alone
        (("a", "b"), ("a", "c"), ("a", "b"), {"b"}),
        (("c",), (), ("c",), {"c"}),
        (("gate", "payload"), (), ("payload",), {"payload"}),
    ],
)
def test_what_others_read_is_compared(names: Any, probes: Any, compared: Any, outputs: set[str]):
    piece = piece_of(_chain(), names, probes)
    assert piece.compared == compared
    assert set(piece.graph.outputs) == outputs


def test_a_population_that_reads_nothing_outside_gets_an_input_for_its_steps():
    b = GraphBuilder("alone", 2)
    b.add(Input("spike[1]"), name="x")
    loop = b.add(Synapse(1), b.add(Past("clock", "spike[1]"), name="back"), name="s")
    params = {"bias": b.param("bias", np.array([9], np.int32))}
    chip = b.build({"y": b.add(IntegerLif(4095, 2048, 0, 6, 12, 24), loop, name="clock", params=params)})
    assert [node.name for node in piece_of(chip, ("clock",), ()).graph.inputs] == ["x"]
