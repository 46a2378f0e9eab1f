"""Stems and downsampling with a shortcut against replays, exactly, with ties: both orders of pool and neurons, odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from models.layers.neuron import lif
from models.layers.stems import POOL_ORDERS, Downsampling, DownsamplingStem
from tests.models.layers.image_oracle import make_dyadic, oracle_of, random_counts, run


@pytest.mark.parametrize("order", POOL_ORDERS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (8, 1)])
def test_stem_equals_the_oracle(order: str, stride: int, size: tuple[int, int]) -> None:
    stem, ties = DownsamplingStem(2, 8, order, nn.Identity(), stride), 0
    for seed in range(3):
        make_dyadic(stem, seed)
        x, oracle = random_counts((4, 8, 2, *size), 4, seed) / 2, oracle_of(stem)
        expected = oracle.stem("", x.double().numpy(), order, stride)
        np.testing.assert_array_equal(run(stem, x), expected)
        assert 0 < expected.mean() < 2
        ties += oracle.ties
    assert ties > 10


@pytest.mark.parametrize("order", POOL_ORDERS)
def test_downsampling_equals_the_oracle(order: str) -> None:
    stem = Downsampling(8, order, nn.Identity())
    for seed in range(3):
        make_dyadic(stem, seed)
        x, oracle = random_counts((4, 2, 4, 6, 5), 4, seed), oracle_of(stem)
        expected = oracle.downsampling("", x.double().numpy(), order)
        np.testing.assert_array_equal(run(stem, x), expected)
        assert oracle.ties > 5
        assert expected.max() == 2


def test_orders_of_pool_and_neurons_differ_from_the_second_step_on() -> None:
    x = random_counts((4, 2, 4, 8, 8), 4, 1)
    largest, joined = (Downsampling(8, order, nn.Identity()) for order in ("current", "spike"))
    for stem in (largest, joined):
        make_dyadic(stem, 1)
    first, second = run(largest, x), run(joined, x)
    np.testing.assert_array_equal(first[0], second[0])
    assert (first[1:] != second[1:]).any()


def test_neurons_behind_the_sum_are_an_and_of_both_paths() -> None:
    """Threshold 1: two spikes at once always fire, one never does, whatever came before."""
    x = random_counts((4, 8, 2, 8, 8), 4, 1) / 2
    plain, summed = (DownsamplingStem(2, 8, "current", neuron) for neuron in (nn.Identity(), lif()))
    for stem in (plain, summed):
        make_dyadic(stem, 2)
    counts = run(plain, x)
    assert {0, 1, 2} <= set(counts.flatten())
    np.testing.assert_array_equal(run(summed, x), counts == 2)
