"""What values did, counted by hand: active elements, spikes in residual sums, batches added up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from compile.energy.formula.rates import Rate, RateMeter, count
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Input, Lif, Linear
from ir.types import parse_type


def residual() -> Graph:
    b = GraphBuilder("net", 2)
    x, z = b.add(Input("spike[2]"), name="x"), b.add(Input("spike[2]"), name="z")
    total = b.add(Add(), x, z, name="total")
    current = b.add(Linear(), total, name="l", params={"weight": b.param("w", np.eye(2, dtype=np.float32))})
    return b.build({"y": b.add(Lif(decay=1.0, form="sum", threshold=1.0), current, name="y")})


X = np.array([[[1, 0]], [[1, 1]]], np.float32)
Z = np.array([[[1, 0]], [[0, 0]]], np.float32)
"""(T = 2, B = 1, 2); x + z is [2, 0], [1, 1]."""


def test_operands_of_weighted_operations_and_neurons_are_counted_and_nothing_else():
    meter = RateMeter(residual())
    interpret(residual(), {"x": X, "z": Z}, watch=meter)
    assert meter.rates == {"total": Rate(active=3, spikes=4, elements=4), "y": Rate(3, 3, 4)}
    assert meter.rates["total"].active_of.sum() == 3
    assert (meter.rates["total"].firing, meter.rates["total"].mean) == (Fraction(3, 4), Fraction(1))


def test_batches_add_up():
    meter = RateMeter(residual())
    for inputs in ({"x": X, "z": Z}, {"x": X * 0, "z": Z * 0}):
        interpret(residual(), inputs, watch=meter)
    assert meter.rates["total"] == Rate(3, 4, 8)


def test_what_was_read_before_does_not_change_with_the_next_batch():
    meter = RateMeter(residual())
    before = meter.rates
    interpret(residual(), {"x": X, "z": Z}, watch=meter)
    assert before == {}


def test_arrays_of_numpy_and_torch_and_signed_payloads():
    values = np.array([[[-2, 0, 3]], [[0, 0, 1]]], np.float32)
    assert count(values, parse_type("real[3]")) == Rate(3, 3, 6)
    counts = np.array([[[2, 0, 3]], [[0, 0, 1]]], np.float32)
    assert count(torch.from_numpy(counts), parse_type("count<3>[3]")) == Rate(3, 6, 6)
