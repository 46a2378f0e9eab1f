"""
Energies of spiking transformers, from what their authors print: E = E_AC sum T R FL + E_MAC FL of what reads no spikes.

Spikformer's paper and Spikingformer's README print operations and energies of whole networks. Spikingformer's repository has logs
with the rate and the accumulations of every layer as well; sizes of layers follow from the width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.published import Charge, accumulated, multiplied, multiplied_once
from tests.reproduction.printed import PRINTED, millijoules

STEPS = 4
TOKENS = 196
BLOCKS = 8
CLASSES = 1000
ONE = Fraction(1)


@dataclass(frozen=True)
class Network:
    """A network of which operations and energy are printed."""

    name: str
    operations: Fraction
    """Accumulations in 10^9, as printed."""
    printed_mj: Fraction
    charged: int
    """Multiplications that the printed energy holds."""
    own: int
    """Those that its own sizes have: first convolution, and head where that is charged."""

    @property
    def ours_mj(self) -> Fraction:
        """By the formula, with what was charged."""
        return self._energy(self.charged)

    @property
    def own_mj(self) -> Fraction:
        """By the formula, with its own multiplications."""
        return self._energy(self.own)

    def _energy(self, multiplications: int) -> Fraction:
        return millijoules(ArithmeticWork(self.operations * 10**9, Fraction(multiplications)))


@dataclass(frozen=True)
class Layers:
    """The layers of one kind in a network with a log."""

    name: str
    printed: Fraction
    """Operations per sample, all of them."""
    flops: tuple[int, ...]
    """Per step, layer by layer, without biases."""
    rates: tuple[Fraction, ...]
    bias: int = 0
    """Operations of one layer's biases per step, which the log counts like all others."""
    charge: Charge = accumulated

    @property
    def ours(self) -> ArithmeticWork:
        """From the printed rates."""
        return self._charged(self.flops)

    @property
    def biases(self) -> ArithmeticWork:
        """The same of the biases."""
        return self._charged([self.bias] * len(self.rates))

    def _charged(self, flops: Sequence[int]) -> ArithmeticWork:
        works = (ArithmeticWork(*self.charge(STEPS, *pair)) for pair in zip(self.rates, flops, strict=True))
        return sum(works, ArithmeticWork())


def operations(work: ArithmeticWork) -> Fraction:
    """Of both kinds."""
    return work.accumulations + work.multiplications


def convolution(pixels: int, inputs: int, outputs: int, kernel: int = 3) -> int:
    """Taps of a convolution with pixels x pixels outputs, those on padding too."""
    return pixels**2 * kernel**2 * inputs * outputs


def stem(width: int) -> tuple[int, ...]:
    """Taps of the five convolutions of an image of 224 pixels, with half as many pixels a side from one to the next."""
    widths = (3, width // 8, width // 4, width // 2, width, width)
    return tuple(convolution(224 >> place, *pair) for place, pair in enumerate(pairwise(widths)))


def networks() -> tuple[Network, ...]:
    """All networks of which a table prints operations and energy."""
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = {key: table["rows"] for key, table in PRINTED["networks"].items()}
    resnet = convolution(112, 3, 64, kernel=7)
    small = STEPS * convolution(32, 3, 48) + _head(384, classes=10)
    return (
        *(_network(row, STEPS * stem(512)[0], STEPS * stem(row["width"])[0]) for row in rows["spikformer"]),
        *(_network(row, resnet, resnet) for row in rows["resnet"]),
        *(_network(row, small, small) for row in rows["issue"]),
        *(_network(row, own, own) for row in rows["spikingformer"] for own in [_logged_macs(row["width"])]),
    )


def logged(name: str) -> tuple[Layers, ...]:
    """All that a network with a log charges."""
    log = PRINTED["logs"][name]
    width, printed = log["width"], log["layers"]
    rates = {key: tuple(rate / 100 for rate in rates) for key, rates in log["rates"].items()}
    first, *others = stem(width)
    square, token = TOKENS * width**2, TOKENS * width
    weighted = (
        Layers("other convolutions", _sum(printed["stem"]), tuple(others), rates["stem"]),
        Layers("Q, K, V", 3 * _sum(printed["qkv"]), (3 * square,) * BLOCKS, rates["qkv"]),
        Layers("projection", _sum(printed["proj"]), (square,) * BLOCKS, rates["proj"], token),
        Layers("MLP, first layer", _sum(printed["fc1"]), (4 * square,) * BLOCKS, rates["fc1"], 4 * token),
        Layers("MLP, second layer", _sum(printed["fc2"]), (4 * square,) * BLOCKS, rates["fc2"], token),
    )
    products = log["accumulations"] - sum(layers.printed for layers in weighted)
    keys = (*map(min, rates["k"], rates["v"]), *rates["q"])
    head = Fraction(log["dense"]["head"])
    return (
        Layers("first convolution", log["multiplications"] - head, (first,), (ONE,), charge=multiplied),
        *weighted,
        Layers("K^T V, Q (K^T V)", products, (square // log["heads"],) * len(keys), keys),
        Layers("head, once", head, (width * CLASSES,), (ONE,), CLASSES, multiplied_once),
    )


def _network(row: Mapping[str, Any], charged: int, own: int) -> Network:
    return Network(row["name"], row["operations"], row["power"], charged, own)


def _logged_macs(width: int) -> int:
    """First convolution at every step, head once, as the logs have them."""
    return STEPS * stem(width)[0] + _head(width, CLASSES)


def _head(width: int, classes: int) -> int:
    return (width + 1) * classes


def _sum(numbers: Sequence[int]) -> Fraction:
    return Fraction(sum(numbers))
