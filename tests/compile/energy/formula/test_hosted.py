"""What the host computes, by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from compile.energy import Rate
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.hosted import host_work
from hw_profiles.loader import load
from ir.graph import Graph
from ir.passes.advance_sums import advance_sums
from ir.passes.split_host import split_host
from ir.text import parse_graph

E_AC, E_MAC = Fraction(9, 10), Fraction(46, 10)
STREAM = """graph net steps=4
  %x = input() {type='spike[2x5]'} : spike[2x5]
  %s = lif(%x) {decay=1.0, form='sum', threshold=0.5} : spike[2x5]
  %c = conv(%s, weight=@W) {stride=(1,), padding=(0,), dilation=(1,)} : current[3x5]  # layer
  %n = lif(%c) {decay=0.5} : spike[3x5]  # neurons
  %t = time_sum(%c) : real[3x5] static
  %m = sum(%t) {axes=(1,), micro=0, weight=0.2} : real[3x1] static
  output y = %m
  output n = %n
"""
RATES = {"s": Rate(active=1, spikes=1, elements=4)}


def stream() -> Graph:
    return parse_graph(STREAM, {"W": np.ones((3, 2, 1), np.float32)})


def test_currents_that_the_host_adds_up_again_cost_what_the_formula_says():
    """5 pixels of 2 to 3 channels, 4 steps, a rate of 1/4."""
    host = split_host(stream()).epilogue
    work = host_work(stream(), [host], RATES, 4)
    assert work == {"layer": ArithmeticWork(Fraction(30 * 4, 4))}
    assert work["layer"].energy_pj(load("ideal")) == E_AC * 30


def test_sums_cost_an_accumulation_per_number_and_weights_a_multiplication():
    """10 numbers at 4 steps, then 2 to 3 channels once."""
    host = advance_sums(split_host(stream()).epilogue)
    work = host_work(stream(), [host], RATES, 4)
    assert sum(each.energy_pj(load("ideal")) for each in work.values()) == E_AC * 10 * 4 + E_MAC * 6
    assert work["layer"] == ArithmeticWork(multiplications=Fraction(6))


def test_without_a_host_nothing_is_charged():
    assert host_work(stream(), [], RATES, 4) == {}
