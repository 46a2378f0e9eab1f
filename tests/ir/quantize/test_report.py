"""What quantisation did to a population, added up from its weights, its bias and its neuron."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ir.graph import Node, Provenance
from ir.ops import Lif
from ir.quantize.integers.populations import IntegerPopulation
from ir.quantize.report import LayerReport, QuantizationReport, layer_report
from ir.quantize.weights import QuantizedArray
from ir.types import SPIKE, Type

NODE = Node("a", Lif(0.5), ("w",), Type((4,), SPIKE), provenance=Provenance("net.a"))


BOUNDS = {"range": 0.1, "threshold": 0.01, "bias": 0.0}


def rounded(*shape: int, saturated: int = 0, error: float = 0.0, mantissa: int = 1) -> QuantizedArray:
    return QuantizedArray(np.ones(shape, np.int8), saturated, error, mantissa)


def report(
    *weights: QuantizedArray, bias: QuantizedArray | None = None, decay_error: float = 0.0, exact: bool = True
) -> LayerReport:
    neuron = IntegerPopulation(Lif(0.5), rounded(4) if bias is None else bias, 7, decay_error, exact)
    return layer_report(NODE, Fraction(1, 8), neuron, weights, (30, 20), 1000, BOUNDS, 127)


def test_weights_are_counted_and_the_worst_error_stands():
    layer = report(
        rounded(4, 3, error=0.25), rounded(4, 2, saturated=2, error=0.5), bias=rounded(4, saturated=1, error=0.125)
    )
    assert (layer.name, layer.module, layer.unit, layer.threshold) == ("a", "net.a", 0.125, 7)
    assert (layer.weights, layer.saturated, layer.weight_error, layer.bias_error) == (20, 3, 0.5, 0.125)
    assert (layer.proven, layer.seen, layer.room) == (30, 20, 1000)


def test_a_population_of_unit_synapses_stores_one_weight():
    assert report(rounded()).weights == 1
    assert (report().weights, report().weight_error) == (0, 0.0)


@pytest.mark.parametrize(
    "layer",
    [
        report(rounded(4, error=0.1)),
        report(rounded(4, saturated=1)),
        report(rounded(4), bias=rounded(4, error=0.1)),
        report(rounded(4), bias=rounded(4, saturated=1)),
        report(rounded(4), decay_error=-0.01),
        report(rounded(4), exact=False),
    ],
)
def test_whatever_was_rounded_is_not_exact(layer: LayerReport):
    assert report(rounded(4)).exact
    assert not layer.exact
    assert report(rounded(4)).limit == ""


def test_what_limits_a_layer_is_named():
    assert report(rounded(4, error=0.1, mantissa=127)).limit == "weights"
    assert report(rounded(4, error=0.1, mantissa=50)).limit == "range"
    assert report(rounded(4), decay_error=0.1).limit == "decay"
    assert report(rounded(4), bias=rounded(4, error=0.1)).limit == "bias"
    assert report(rounded(4), exact=False).limit == "ties"


def test_the_projection_that_uses_the_fewest_bits_counts():
    assert report(rounded(4, mantissa=127), rounded(4, mantissa=14)).bits == 5
    assert report(rounded(4, mantissa=1)).bits == 2


def test_saturation_adds_up_over_the_network():
    layers = (report(rounded(4, saturated=2)), report(), report(rounded(4, saturated=3)))
    assert QuantizationReport(layers, {}).saturated == 5
