"""Traces: spikes and payloads told apart by type, batches of events added up, and a text of three lines."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from backends.trace import Events, Trace, trace_dtype
from ir.graph import GraphBuilder
from ir.ops import Input, Lif, Linear, Synapse
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.types import SPIKE, Type, count, graded

EVENTS = Events(2, 3, {"a": 5}, {"p": 10}, {"a": 24})


def test_spikes_and_payloads_are_told_apart_by_the_type_of_what_emits_them():
    """x is an input of spikes, g one of payloads; s spikes, r reads out a membrane, m fires up to three times a step."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[3]"), name="x")
    b.add(Input("graded<8>[3]"), name="g")
    w = b.param("w", np.ones((2, 3), np.int8))
    current = b.add(Linear(), x, name="c", params={"weight": w})
    b.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="s")
    b.add(IntegerLif(4095, 0, 1, 6, 12, 24, reset="subtract", theta=64, max_spikes=3), current, name="m")
    b.add(IntegerLeaky(4095, 0, 6, 12, 24, 24), current, name="r")
    emissions = {name: np.zeros((2, 1, 2), np.int32) for name in ("x", "g", "s", "m", "r")}
    trace = Trace.of(b.build({name: name for name in ("s", "m", "r")}), {}, emissions, EVENTS)
    assert (set(trace.spikes), set(trace.payloads)) == ({"x", "s", "m"}, {"g", "r"})
    assert trace.emissions.keys() == emissions.keys()


@pytest.mark.parametrize(("dtype", "wide"), [("integer", np.int32), ("float32", np.float32), ("float64", np.float64)])
def test_bytes_hold_sums_of_at_most_255_spikes(dtype: str, wide: type):
    b = GraphBuilder("net", 1, dtype="float32" if dtype == "integer" else dtype)
    current = b.add(Synapse(1), b.add(Input("spike[2]"), name="x"), name="s")
    y = b.add(IntegerLif(4095, 0, 1, 6, 12, 24) if dtype == "integer" else Lif(0.5), current, name="y")
    kinds = (SPIKE, count(3), count(255), count(256), graded(8), graded(26))
    found = [trace_dtype(b.build({"y": y}), Type((), kind)) for kind in kinds]
    assert found == [np.uint8, np.uint8, np.uint8, wide, wide, wide]


def test_events_of_batches_add_up():
    more = Events(1, 3, {"a": 2}, {"p": 4}, {"a": 12})
    assert EVENTS + more == Events(3, 3, {"a": 7}, {"p": 14}, {"a": 36})
    longer = Events(1, 5, {"a": 2}, {"p": 4}, {"a": 12})
    assert (EVENTS + longer).steps == Fraction(2 * 3 + 5, 3)
    assert (EVENTS + longer + longer).steps == 4


def test_a_trace_is_three_lines_however_much_is_in_it():
    array = np.zeros((3, 2, 4), np.uint8)
    text = repr(Trace({"y": array}, {f"layer.{k}": array for k in range(50)}, EVENTS, {"v": array}))
    assert text == (
        "Trace: 3 steps, 2 samples, 5 spikes\n"
        "  outputs y (3, 2, 4)\n"
        "  probes  spikes layer.0 (3, 2, 4), layer.1 (3, 2, 4), layer.2 (3, 2, 4) and 47 more, payloads v (3, 2, 4)"
    )
    assert len(repr(Trace({}, {}, EVENTS)).splitlines()) == 3
