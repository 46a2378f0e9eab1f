"""Every field of a profile refuses the first number that does not fit it, and nothing before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.analysis.limits import INTEGER_RULES, RULES, violations
from ir.graph import Graph, GraphBuilder
from ir.ops import Conv, Gate, Graded, Input, IntegerLeaky, IntegerLif, Lif, Linear, Sum, Synapse
from ir.profile import Profile, Quantity

LOIHI2 = hw_profiles.load("loihi2")


def profile(**widths: int) -> Profile:
    """loihi2 with other fields."""
    stated = LOIHI2.tables["arithmetic"]
    arithmetic = {name: replace(stated[name], value=widths.get(name, stated[name].value)) for name in stated}
    arithmetic |= {name: Quantity(widths[name], "bit", "test", "assumed") for name in widths.keys() - stated.keys()}
    return replace(LOIHI2, tables={**LOIHI2.tables, "arithmetic": arithmetic})


def network(weight: Any = ((1, 2),), vth: int = 1, bias: Any = None, shift: int = 6, vth_of_each: Any = None) -> Graph:
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[2]"), name="x")
    array = np.asarray(weight, np.int32)
    current = b.add(Linear(), x, name="w", params={"weight": b.param("w", array)})
    arrays = {"bias": bias, "vth": vth_of_each}
    named = {role: b.param(role, np.asarray(each, np.int32)) for role, each in arrays.items() if each is not None}
    op = IntegerLif(4095, 4096, vth, shift, 12, 24)
    return b.build({"y": b.add(op, current, name="y", params=named)})


def broken(chip: Graph, of: Profile = LOIHI2) -> list[tuple[str, str, int | None, int | None]]:
    return [(v.rule.removeprefix("limits."), v.node, v.number, v.limit) for v in violations(chip, of)]


@pytest.mark.parametrize(
    ("weight", "needed"),
    [
        ([[127, -128]], 8),
        ([[128, -1]], 9),
        ([[-129, 1]], 9),
        ([[255, 0]], 8),
        ([[-255, 0]], 8),
        ([[256, 1]], 9),
        ([[254, -256]], 8),  # a power of two that all share is the exponent
        ([[256, -257]], 10),
        ([[0, 0]], 0),
        ([[1, -1]], 2),
    ],
)
def test_weights(weight: list[list[int]], needed: int):
    for bits in range(2, 12):
        found = broken(network(weight), profile(weight_bits=bits))
        assert found == ([("weight-bits", "w", needed, bits)] if bits < needed else [])


def test_weights_of_single_synapses_sums_and_kernels():
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[2x3x3]"), name="x")
    kernel = b.param("k", np.full((2, 2, 1, 1), 700, np.int32) + np.eye(2, dtype=np.int32).reshape(2, 2, 1, 1))
    conv = b.add(Conv((1, 1), (0, 0), (1, 1)), x, name="conv", params={"weight": kernel})
    neuron = IntegerLif(4095, 4096, 1, 6, 12, 24)
    y = b.add(neuron, b.add(Synapse(300), x, name="one"), conv, name="y")
    z = b.add(neuron, b.add(Sum((0,), 1000), y, name="sum"), name="z")
    assert broken(b.build({"z": z})) == [("weight-bits", "conv", 10, 8)]
    assert broken(b.build({"z": z}), profile(weight_bits=6)) == [
        ("weight-bits", "conv", 10, 6),
        ("weight-bits", "one", 7, 6),  # 300 = 75 << 2
        ("weight-bits", "sum", 7, 6),  # 1000 = 125 << 3
    ]


def test_thresholds():
    assert not broken(network(vth=(1 << 17) - 1))
    assert broken(network(vth=1 << 17)) == [("threshold-bits", "y", 18, 17)]
    assert broken(network(vth=1, vth_of_each=[1 << 17])) == [("threshold-bits", "y", 18, 17)]
    assert not broken(network(vth=(1 << 23) - 1, shift=0)), "what is not shifted may be larger by as much"
    assert broken(network(vth=1 << 23, shift=0)) == [("threshold-bits", "y", 18, 17)]


@pytest.mark.parametrize(
    ("bias", "needed"),
    [(0, 1), (1, 2), (4095, 13), (-4095, 13), (4096, 7), (4097, 14), (4095 << 7, 13), (4095 << 8, 14), (4097 << 7, 14)],
)
def test_biases(bias: int, needed: int):
    for bits in range(2, 16):
        found = broken(network(bias=[bias]), profile(bias_mantissa_bits=bits))
        assert found == ([("bias-bits", "y", needed, bits)] if bits < needed else [])


def test_biases_have_no_finer_steps_than_the_least_exponent_makes():
    assert not broken(network(bias=[-192]), profile(bias_exponent_max=6, bias_exponent_min=6))
    assert not broken(network(bias=[0]), profile(bias_exponent_max=6, bias_exponent_min=6))
    found = broken(network(bias=[96]), profile(bias_exponent_max=6, bias_exponent_min=6))
    assert found == [("bias-step", "y", 96, 64)]


def test_payloads_that_travel():
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[2]"), name="x")
    graded = b.add(Graded(25), b.add(Synapse(1), x, name="s"), name="graded")
    gate = b.add(Gate(9), b.add(Synapse(1), graded, name="t"), b.add(Synapse(1), x, name="o"), name="gate")
    out = b.add(IntegerLeaky(4095, 4096, 6, 12, 24, 24), b.add(Synapse(1), gate, name="u"), name="out")
    chip = b.build({"out": out})
    assert broken(chip) == [("payload-bits", "graded", 25, 24)]
    assert broken(chip, profile(payload_bits=8)) == [("payload-bits", "graded", 25, 8), ("payload-bits", "gate", 9, 8)]


def test_floats_have_no_bits():
    b = GraphBuilder("net", 1)
    x = b.add(Input("spike[2]"), name="x")
    weight = b.param("w", np.array([[1e9, -0.3]], np.float32))
    y = b.add(Lif(0.5), b.add(Linear(), x, name="w", params={"weight": weight}), name="y")
    assert not violations(b.build({"y": y}), profile(weight_bits=2))


def test_all_are_found_with_number_limit_path_and_way_out():
    chip = network([[999, -1]], vth=1 << 20, bias=[4097])
    found = violations(chip, LOIHI2)
    assert [v.rule for v in found] == ["limits.weight-bits", "limits.threshold-bits", "limits.bias-bits"]
    assert all(v.hint and str(v.number) in v.what and str(v.limit) in v.what and v.node in v.what for v in found)
    assert len(RULES) + len(INTEGER_RULES) == 6
