"""Lemaire's model worked out on paper: a dense layer of 3 -> 2, a convolution of 2 x 4 x 4 -> 3 x 2 x 2, at 8 bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from compile.energy.bill import Bill
from compile.energy.formula.rates import RateMeter
from compile.energy.models.memory_accesses import (
    LayerFacts,
    MemoryFacts,
    NeuronFacts,
    memory_bill,
    memory_bills,
    memory_facts,
)
from hw_profiles import load
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear

INT8, F = load("45nm-int8"), Fraction
DENSE = LayerFacts(6, 6, 3, 2, met=2, summed=2, taps=0, spikes=F(5), times=F(4))
CONV = LayerFacts(216, 54, 32, 12, met=27, summed=12, taps=9, spikes=F(10), times=F(4))
NEURONS = NeuronFacts(2, F(4), F(3))


def lines(bill: Bill) -> dict[str, Fraction]:
    return {line.price: line.count for line in bill.lines}


def test_a_dense_layer_that_spikes_into_neurons():
    """5 spikes, each meeting 2 weights; 2 neurons at 4 steps that emit 3. 8 bits to a word."""
    accesses = {3: 5, 6: 10, 2: 20 + 3 * 8 + 3}
    assert lines(memory_bill(MemoryFacts((DENSE,), (NEURONS,)), INT8)) == {
        "e_mac": 8,
        "e_ac": 10 + 10 + 8 + 3,
        "memory_access": sum(accesses.values()),
        "memory_access_per_bit": 8 * sum(words * count for words, count in accesses.items()),
    }


def test_a_convolution_that_spikes():
    """10 spikes, each meeting 3 channels x 9 taps and added to 3 x 2 x 2 sums at a stride of 2; addresses beside."""
    accesses = {32: 10, 54: 270, 12: 540}
    assert lines(memory_bill(MemoryFacts((CONV,)), INT8)) == {
        "e_mac": 20,
        "e_ac": 120 + 90,
        "memory_access": 820,
        "memory_access_per_bit": 8 * sum(words * count for words, count in accesses.items()),
    }


def test_ordinary_layers_read_a_weight_per_product():
    dense, conv = (lines(memory_bill(MemoryFacts((layer,)).ordinary, INT8)) for layer in (DENSE, CONV))
    assert (dense["e_mac"], dense["memory_access"]) == (6, 3 + 6 + 4)
    assert (conv["e_mac"], conv["memory_access"]) == (216, 216 + 216 + 24)
    analog = LayerFacts(6, 6, 3, 2, 2, 2, 0, None, F(4))
    assert lines(memory_bill(MemoryFacts((analog,)), INT8))["e_mac"] == 24, "at every step"


def test_energy_by_hand_and_when_nothing_spikes():
    bills = memory_bills(MemoryFacts((DENSE,), (NEURONS,)), INT8)
    assert bills is not None
    assert bills.network.energy is not None
    per_access = F("13.2") * 62 + F("0.0000109") * 8 * (3 * 5 + 6 * 10 + 2 * 47)
    assert bills.network.energy.value == F("0.23") * 8 + F("0.03") * 31 + per_access
    assert lines(bills.silent)["memory_access"] == 24
    assert (bills + bills).dense.energy == (bills.dense + bills.dense).energy


@pytest.mark.parametrize("profile", ["45nm", "loihi1", "gpu"])
def test_prices_without_widths_or_memory_have_no_such_bill(profile: str):
    assert memory_bills(MemoryFacts((DENSE,)), load(profile)) is None


def network() -> Graph:
    b = GraphBuilder("net", 4)
    kernel = {"weight": b.param("k", np.ones((3, 2, 3, 3), np.float32))}
    x = b.add(Input("spike[2x4x4]"), name="x")
    conv = b.add(Conv((2, 2), (1, 1), (1, 1)), x, name="conv", params=kernel)
    hidden = b.add(Lif(decay=1.0, form="sum", threshold=1.0), conv, name="hidden")
    analog = b.add(Input("real[3]"), name="analog")
    dense = b.add(Linear(), analog, name="dense", params={"weight": b.param("w", np.ones((2, 3), np.float32))})
    return b.build({"y": b.add(Lif(decay=0.5), dense, name="y"), "z": hidden})


def test_facts_of_a_run():
    spikes = np.zeros((4, 1, 2, 4, 4), np.float32)
    spikes[0, 0, 0, 0, :2] = 1
    meter = RateMeter(network())
    interpret(network(), {"x": spikes, "analog": np.ones((4, 1, 3), np.float32)}, meter)
    facts = memory_facts(network(), meter.rates, 4)
    conv, dense = facts.layers
    products = (3 * 2 * (2 + 3) ** 2) // 1  # taps that do not lie on padding: 2 and 3 of 3 along each axis
    assert conv == LayerFacts(products, 54, 32, 12, 27, 12, 9, F(2), F(4))
    assert dense == LayerFacts(6, 6, 3, 2, 2, 2, 0, None, F(4))
    assert [(each.neurons, each.steps) for each in facts.populations] == [(12, 4), (2, 4)]
    assert facts.populations[0].spikes == meter.rates["hidden"].spikes > 0
