"""The products alone are those of the network: as many, of the right sizes, shared weights once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from backends.reference.kernels import int8
from backends.reference.kernels.int8 import is_exact
from compile import compile_model
from compile.benchmark import products
from compile.benchmark.products import float32_products, int8_products
from ir.graph import Node

CPU = torch.device("cpu")


def chip():
    torch.manual_seed(0)
    net = nn.Sequential(
        layer.Conv2d(2, 4, 3, step_mode="m", bias=False),
        neuron.LIFNode(step_mode="m"),
        nn.Flatten(2),
        nn.Linear(4 * 16, 5),
        neuron.LIFNode(step_mode="m"),
    )
    return compile_model(net, target="gpu", example=torch.ones(3, 2, 2, 6, 6)).deployment.chip


def test_float_products_have_the_shapes_of_the_layers(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, ...]] = []
    real = products.weighted_sum

    def recorded(node: Node, x: torch.Tensor, weight: torch.Tensor) -> None:
        seen.append(tuple(real(node, x, weight).shape))

    monkeypatch.setattr(products, "weighted_sum", recorded)
    float32_products(chip(), 3, 7, CPU)()
    assert seen == [(3, 7, 4, 4, 4), (3, 7, 5)]


@pytest.mark.skipif(not is_exact(), reason="this processor does not sum bytes exactly")
def test_byte_products_take_and_make_whole_windows(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def recorded(real: Any) -> Any:
        def product(self: Any, x: torch.Tensor) -> torch.Tensor:
            y = real(self, x)
            seen.append((tuple(x.shape), tuple(y.shape)))
            return y

        return product

    monkeypatch.setattr(products.Int8Weights, "product", recorded(products.Int8Weights.product))
    monkeypatch.setattr(int8.Int8Kernels, "convolve", recorded(int8.Int8Kernels.convolve))
    run = int8_products(chip(), 3, 7)
    assert run is not None
    run()
    assert seen == [((3 * 7, 2, 6, 6), (3 * 7, 4, 4, 4)), ((3 * 7, 64), (3 * 7, 5))]


def test_no_byte_products_of_wide_weights(monkeypatch: pytest.MonkeyPatch):
    net = chip()
    monkeypatch.setattr(products, "fits", lambda weight: np.size(weight) < 100)
    assert int8_products(net, 3, 7) is None
