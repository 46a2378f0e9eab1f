"""A flat network by hand: numbers, relays, inputs of bits, and what acts in a window alone."""

from __future__ import annotations

import numpy as np
import pytest

from backends.sanafe.emit import RESET_CODES, first_neurons, flat_network, violations
from ir.graph import GraphBuilder
from ir.mapping.core_map import CoreMap
from ir.ops import Input, IntegerLif, Past, Synapse

AND = IntegerLif(4095, 4096, 1, 6, 12, 24)
INPUTS = {"x": np.array([[[1]], [[0]]]), "g": np.array([[[5]], [[-2]]])}
CORES = CoreMap(
    {"a": np.array([0], np.int32), "b": np.array([1], np.int32), "c": np.array([1], np.int32)},
    np.array([[0, 0, 0], [0, 1, 0]]),
)


@pytest.fixture
def chain():
    """x -> a -> b -> c, and x, g and a at c as well, which has a bias."""
    builder = GraphBuilder("net", 2)
    unit = lambda value, name: builder.add(Synapse(3), value, name=name)
    x, g = builder.add(Input("spike[1]"), name="x"), builder.add(Input("graded<4>[1]"), name="g")
    a = builder.add(AND, unit(x, "xa"), name="a")
    b = builder.add(AND, unit(a, "ab"), name="b")
    bias = {"bias": builder.param("bias", np.array([32], np.int32))}
    currents = [unit(value, f"{value}c") for value in (b, a, x, g)]
    return builder.build({"c": builder.add(AND, *currents, name="c", params=bias)})


def test_synapses_relays_and_inputs_in_order(chain):
    """a, b, c are 0, 1, 2, the relay of a is 3; then x, x two steps late, the four bits of 5 and -2 likewise, and c's bias."""
    found = flat_network(chain, CORES, INPUTS)
    assert first_neurons(chain) == {"a": 0, "b": 1, "c": 2}
    assert found.cores.tolist() == [0, 1, 1, 0]
    assert found.threshold.tolist() == [1, 1, 1, 0.5]
    assert found.reset.tolist() == [RESET_CODES["hard"]] * 4
    synapses = dict(
        zip(zip(found.sources.tolist(), found.targets.tolist(), strict=True), found.weights.tolist(), strict=True)
    )
    own = {(4, 0): 3, (0, 1): 3, (1, 2): 3, (0, 3): 1, (3, 2): 3}
    late = {(5, 2): 3, (6, 2): 3, (7, 2): 6, (8, 2): 12, (9, 2): -24, (10, 2): 0.5}
    assert synapses == {**own, **late}
    assert found.inputs.shape == (1, 5, 7)
    assert found.inputs[0].T.tolist() == [
        [1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 1, 0],
    ]


def test_a_loop_in_sequence_is_refused_and_a_plain_one_is_a_synapse():
    def loop(between):
        builder = GraphBuilder("net", 2)
        back = builder.add(Past("last", "spike[1]", 1), name="back")
        x = builder.add(Synapse(1), builder.add(Input("spike[1]"), name="x"), name="i")
        value = builder.add(AND, x, builder.add(Synapse(1), back, name="r"), name="first" if between else "last")
        if between:
            value = builder.add(AND, builder.add(Synapse(1), value, name="b"), name="last")
        return builder.build({"y": value})

    assert not violations(loop(False))
    assert [(each.rule, each.what[:23]) for each in violations(loop(True))] == [
        ("sanafe.loop", "a loop has 2 population")
    ]
