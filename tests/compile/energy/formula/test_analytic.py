"""The papers' formula, the dense twin and published tables on a layer or two, worked out on paper."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from compile.energy.formula.analytic import MISSING, formula_rows, table_rows
from compile.energy.formula.arithmetic import ArithmeticWork, price
from compile.energy.formula.published import PublishedRow, PublishedTable
from compile.energy.formula.rates import Rate
from hw_profiles import load
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Lif, Linear

IDEAL = load("ideal")
E_AC, E_MAC = price(IDEAL, "e_ac"), price(IDEAL, "e_mac")
RATES = {"x": Rate(3, 3, 12), "a": Rate(6, 6, 6)}
"""An input that is active at a quarter, analog or not."""
STEPS = 2


def network(domain: str = "spike[3]") -> Graph:
    """x (3) -> first (2 x 3) -> second (4 x 2)."""
    b = GraphBuilder("net", STEPS)
    value, neuron = b.add(Input(domain), name="x"), Lif(decay=1.0, form="sum", threshold=1.0)
    for name, shape, spikes in (("first", (2, 3), "a"), ("second", (4, 2), "b")):
        weight = b.param(name, np.ones(shape, np.float32))
        current = b.add(Linear(), value, name=name, params={"weight": weight}, provenance=Provenance(f"block.{name}"))
        value = b.add(neuron, current, name=spikes, provenance=Provenance(f"block.{spikes}"))
    return b.build({"y": value})


def test_spikes_are_accumulations_at_their_rate_in_every_step():
    first, second = formula_rows(network(), RATES, STEPS)
    assert (first.module, first.kind, first.flops, first.rate) == ("block.first", "linear", 6, Fraction(1, 4))
    assert first.charged == ArithmeticWork(STEPS * Fraction(1, 4) * 6)
    assert first.charged.energy_pj(IDEAL) == E_AC * 3
    assert (second.rate, second.charged, second.both_spike) == (1, ArithmeticWork(Fraction(STEPS * 8)), False)


@pytest.mark.parametrize(("domain", "times"), [("real[3]", STEPS), ("real[3] static", 1)])
def test_analog_values_are_multiplications_whatever_their_rate(domain: str, times: int):
    first = formula_rows(network(domain), RATES, STEPS)[0]
    assert first.charged == ArithmeticWork(multiplications=Fraction(times * 6))
    assert first.charged.energy_pj(IDEAL) == E_MAC * times * 6


TABLE = PublishedTable(
    "a paper", (PublishedRow("First", "first", frozenset({"linear"}), "100", lambda operations: 100),)
)


def test_a_published_row_replaces_the_count_and_what_it_leaves_out_costs_nothing():
    rows = formula_rows(network(), RATES, STEPS, TABLE)
    assert [(row.published, row.flops, row.charged.accumulations) for row in rows] == [
        ("First", 100, 50),
        (MISSING, 0, 0),
    ]
    assert [row.real.accumulations for row in rows] == [3, 16]
    listed, missing = table_rows(rows, TABLE, IDEAL)
    assert (listed.name, listed.formula, listed.flops, listed.real_flops, listed.differs) == (
        "First",
        "100",
        100,
        6,
        True,
    )
    assert (listed.rate, listed.energy_pj) == (Fraction(1, 4), E_AC * 50)
    assert (missing.name, missing.flops, missing.real_flops, missing.energy_pj) == (f"{MISSING}: block.second", 0, 8, 0)


@pytest.mark.parametrize("table", [None, TABLE])
def test_a_phase_is_charged_for_its_own_steps(table: PublishedTable | None):
    """The graph's window is the longest of all phases; what another phase computes, it computes as often as that has steps."""
    first = formula_rows(network("spike[3] T=1"), RATES, STEPS, table)[0]
    assert first.charged.accumulations == Fraction(1, 4) * first.flops
    assert first.real.accumulations == Fraction(1, 4) * 6


def test_rows_of_a_table_that_the_network_does_not_have_are_left_out():
    other = PublishedTable("a paper", (PublishedRow("None", "nowhere", frozenset({"conv"}), "", lambda operations: 1),))
    assert [row.name for row in table_rows(formula_rows(network(), RATES, STEPS, other), other, IDEAL)] == [
        f"{MISSING}: block.first",
        f"{MISSING}: block.second",
    ]


def test_a_price_that_the_profile_lacks_is_an_error():
    with pytest.raises(CompileError, match=r"profile\.missing"):
        price(IDEAL, "no_such_price")
