"""Sums of products are the nearest float64 to the exact rational, whatever the order, the library or the operation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import fsum
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.ops import Conv, Linear, Sum
from ir.ops.exact_product import exact_product, exact_sum

Array = np.ndarray[Any, Any]
KINDS = ("spikes", "counts", "real", "tiny and huge", "cancelling")


def operands(seed: int, kind: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    terms = int(rng.integers(1, 30))
    x, weight = rng.normal(size=(3, terms)), rng.normal(size=(4, terms)) * 2.0 ** rng.integers(-40, 40, (4, terms))
    if kind in ("spikes", "counts"):
        x = rng.integers(0, 2 if kind == "spikes" else 300, x.shape).astype(np.float64)
    if kind == "tiny and huge":
        x, weight = (
            x * 2.0 ** rng.choice([-440, 0, 440], x.shape),
            weight * 2.0 ** rng.choice([-440, 0, 440], weight.shape),
        )
    if kind == "cancelling":
        x, weight = np.concatenate([x, x], 1), np.concatenate([weight, -weight * (1 + 2.0**-52)], 1)
    return x, weight


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(KINDS))
def test_products_are_rounded_once(seed: int, kind: str):
    x, weight = operands(seed, kind)
    exact = [[float(sum(Fraction(a) * Fraction(b) for a, b in zip(r, c, strict=True))) for c in weight] for r in x]
    order = np.random.default_rng(seed).permutation(x.shape[1])
    assert np.array_equal(exact_product(x, weight), exact)
    assert np.array_equal(exact_product(x[:, order], weight[:, order]), exact)
    assert np.array_equal(exact_product(x[:1], weight), exact[:1])
    assert np.array_equal(exact_product(torch.from_numpy(x), torch.from_numpy(weight)).numpy(), exact)
    sums = [[fsum(row)] for row in weight]
    assert np.array_equal(exact_sum(weight, (1,)), sums)
    assert np.array_equal(exact_sum(torch.from_numpy(weight[:, order]), (1,)).numpy(), sums)


def test_ties_do_not_depend_on_the_order():
    weight, x = np.array([0.1, 0.2, 0.3]), np.ones((1, 3))
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        total = exact_product(x, weight[order][None]).item()
        assert total == fsum(weight)
        assert (total >= 0.6) == (fsum([0.1, 0.2, 0.3]) >= 0.6)
    half = np.array(
        [[1.0, 2.0**-53, 2.0**-106, -(2.0**-106)]]
    )  # half an ulp and nothing: to even; and a little more: up
    assert exact_sum(half, (1,)).item() == 1.0
    assert exact_sum(half[:, :3], (1,)).item() == 1.0 + 2.0**-52


@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy])
def test_edges(wrap: Callable[[Array], Any]):
    def product(x: list[list[float]], weight: list[list[float]]) -> list[list[float]]:
        with np.errstate(all="ignore"):
            return np.asarray(exact_product(wrap(np.array(x)), wrap(np.array(weight)))).tolist()

    assert product([[0.0, -0.0]], [[1.0, 2.0]]) == [[0.0]]
    assert product([[5e-324, 3e-310]], [[1.0, 1.0], [2.0**900, 0.0]]) == [[3e-310 + 5e-324, 5e-324 * 2.0**900]]
    assert product([[1e308, 1e-300]], [[1.0, 1e200]]) == [[1e308]]
    assert product([[np.inf, 1.0], [1.0, 2.0]], [[1.0, 1.0]]) == [[np.inf], [3.0]]
    assert np.isnan(product([[np.inf, 1.0]], [[0.0, 1.0]])[0][0])
    assert product([[1e308, 1e308]], [[1.0, 1.0]]) == [[np.inf]]


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_operations_round_once(library: str):
    rng = np.random.default_rng(3)
    x, weight = rng.normal(size=(2, 1, 4, 6)), rng.normal(size=(6, 2, 3))
    wrap = np.asarray if library == "numpy" else torch.from_numpy
    conv = Conv((2,), (1,), (1,), groups=2)
    got = np.asarray(conv.run((wrap(x),), {"weight": wrap(weight), "bias": wrap(np.arange(6.0))}, 2))
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1)))
    for t, out, place in np.ndindex(2, 6, 3):
        window = padded[t, 0, 2 * (out // 3) : 2 * (out // 3) + 2, 2 * place : 2 * place + 3]
        exact = sum(Fraction(a) * Fraction(b) for a, b in zip(window.ravel(), weight[out].ravel(), strict=True))
        assert got[t, 0, out, place] == float(exact) + out
    dense = rng.normal(size=(5, 6))
    got = np.asarray(Linear().run((wrap(x),), {"weight": wrap(dense), "bias": wrap(np.arange(5.0))}, 2))
    assert np.array_equal(got, exact_product(x, dense) + np.arange(5.0))
    got = np.asarray(Sum((0, 1), weight=0.1).run((wrap(x),), {}, 2))
    assert np.array_equal(got.ravel(), [fsum(part.ravel()) * 0.1 for part in x[:, 0]])


def test_float32_is_accumulated_in_float64():
    x, weight = np.array([[[1e8, 1.0, -1e8]]], np.float32), np.ones((1, 3), np.float32)
    for op, value, params in (
        (Linear(), x, {"weight": weight}),
        (Conv((1,), (0,), (1,)), x[..., None], {"weight": weight[..., None]}),
        (Sum((0,)), x, {}),
    ):
        got = op.run((value,), params, 1)
        assert (got.dtype, got.item()) == (np.float32, 1.0)
