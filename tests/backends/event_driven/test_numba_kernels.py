"""The compiled kernels by themselves: counts beyond a block, rows of more events than fit one pass, strips, places of taps."""

from __future__ import annotations

import numpy as np
import pytest

kernels = pytest.importorskip("backends.event_driven.numba_kernels", reason="needs numba")


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 5000])
def test_events_and_active_inputs_are_counted(size: int):
    x = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    x[::3] = 0
    assert kernels.total(x) == x.astype(int).sum()
    assert kernels.active(x) == np.count_nonzero(x)
    payloads = np.where(x % 2, -x.astype(np.float32), 0)
    assert kernels.active(payloads) == np.count_nonzero(payloads)


def strips(weight: np.ndarray, width: int) -> np.ndarray:
    """Weights (outputs, inputs) as (strips, inputs + 1, width), the last row and the rest of the last strip zero."""
    outputs, inputs = weight.shape
    rows = np.zeros((-(-outputs // width), inputs + 1, width), np.int8)
    for strip, first in enumerate(range(0, outputs, width)):
        part = weight[first : first + width]
        rows[strip, :-1, : len(part)] = part.T
    return rows


@pytest.mark.parametrize("width", [2, 5, 7])
@pytest.mark.parametrize("most", [0, 1, 3, 200])
def test_products_of_spikes(most: int, width: int):
    rng = np.random.default_rng(most)
    weight, x = rng.integers(-128, 128, (7, 40)), rng.integers(0, most + 1, (6, 40)).astype(np.uint8)
    y = np.full((6, 7), np.nan, np.float32)
    kernels.spike_product(x, int(x.astype(int).sum()), strips(weight, width), np.float32(4), y)
    assert np.array_equal(y, 4 * (x.astype(int) @ weight.T))


@pytest.mark.parametrize("extreme", [-128, 127])
def test_sums_of_as_many_events_as_sixteen_bits_hold(extreme: int):
    for events in (kernels.EVENTS - 1, kernels.EVENTS, kernels.EVENTS + 1, 3 * kernels.EVENTS):
        x, y = np.ones((1, events), np.uint8), np.empty((1, 3), np.float32)
        kernels.spike_product(x, events, strips(np.full((3, events), extreme), 3), np.float32(1), y)
        assert y.tolist() == [[events * extreme] * 3]


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.float32])
def test_products_of_payloads(dtype: type):
    rng = np.random.default_rng(0)
    weight, x = rng.integers(-128, 128, (5, 30)), rng.integers(-100, 100, (4, 30)).astype(dtype)
    x[:, ::2], x[2] = 0, 0
    y = np.full((4, 5), np.nan, np.float32)
    kernels.payload_product(x, np.count_nonzero(x), strips(weight, 3), np.float32(2), y)
    assert np.array_equal(y, 2 * (x.astype(int) @ weight.T))


def test_an_event_adds_its_taps_where_the_tables_say():
    """Two groups of one channel, images of 1 x 2: the left pixel reaches column 1 by tap 0, the right one 0 by tap 1 and 1 by tap 0."""
    weights = np.arange(1, 9, dtype=np.float32).reshape(
        2, 1, 2, 2
    )  # (inputs, taps down, taps right, outputs of a group)
    down, right = np.array([[1, 0, 0]]), np.array([[1, 1, 0, 0, 0], [2, 0, 1, 1, 0]])
    x, y = np.zeros((1, 2, 1, 2), np.float32), np.zeros((1, 1, 2, 2, 2), np.float32)
    x[0, 0, 0] = 10, 0
    x[0, 1, 0] = 0, -1
    kernels.convolution(x, weights, down, right, y)
    assert y[0, 0, 0].tolist() == [[0, 0], [-7, -8]], "column 0: the second group's right pixel by tap 1"
    assert y[0, 0, 1].tolist() == [[10, 20], [-5, -6]], "column 1: both by tap 0"
