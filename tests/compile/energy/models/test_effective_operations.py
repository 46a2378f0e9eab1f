"""
The operations of three layers as NeuroBench 2.3.0 and syops 0.0.5 counted them, in torch 2.3.1.

Recorded by `tests/interop/count_operations.py`, which has the layers: a convolution of spikes with padding and a stride, dense layers of
counts that hold twos, and of analog values; a quarter of all weights is zero.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.rates import RateMeter
from compile.energy.models.effective_operations import EffectiveOperations, effective_operations
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear
from tests.interop.count_operations import SAMPLES, STEPS, layers

RECORDED = {
    "spikes": (154.33333333333334, 0.0, 588.0, 356.40000772476196, 0.0),
    "counts": (0.0, 23.666666666666668, 48.0, 0.0, 48.0),
    "analog": (0.0, 21.666666666666668, 48.0, 0.0, 48.0),
}
"""Layer -> effective accumulations, multiplications, dense operations; accumulations, multiplications of syops; per sample."""
DOMAINS = {"spikes": "spike[2x5x5]", "counts": "count<2>[6]", "analog": "real[6]"}


def graph(name: str) -> Graph:
    b, layer = GraphBuilder("net", STEPS), layers()[name][0]
    weight = layer.get_parameter("weight").detach().numpy()
    op = Conv((2, 2), (1, 1), (1, 1)) if name == "spikes" else Linear()
    current = b.add(op, b.add(Input(DOMAINS[name]), name="x"), name="layer", params={"weight": b.param("w", weight)})
    return b.build({"y": b.add(Lif(decay=0.5), current, name="y")})


def counted(name: str, scale: float = 1.0) -> EffectiveOperations:
    net, values = graph(name), layers()[name][1] * np.float32(scale)
    meter = RateMeter(net)
    for sample in range(SAMPLES):  # batch by batch
        interpret(net, {"x": values[:, sample : sample + 1]}, meter)
    return effective_operations(net, meter.rates, STEPS)


@pytest.mark.parametrize("name", RECORDED)
def test_operations_are_those_that_the_tools_recorded(name: str):
    own = counted(name)
    work = (own.neurobench.accumulations, own.neurobench.multiplications, own.dense)
    tools = (*work, own.syops.accumulations, own.syops.multiplications)
    assert [float(number) for number in tools] == pytest.approx(RECORDED[name], rel=1e-6)


def test_silence_is_spikes():
    own = counted("counts", scale=0)
    assert own == EffectiveOperations(ArithmeticWork(), Fraction(48), ArithmeticWork())


def test_layers_add_up():
    both = counted("counts") + counted("analog")
    assert both.dense == 96
    assert both.syops == ArithmeticWork(multiplications=Fraction(96))
