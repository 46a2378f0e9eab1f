"""The compiled kernels by themselves: blocks and periods, one step of state, images turned, counts with weights."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

kernels = pytest.importorskip("backends.reference.kernels.numba_kernels", reason="needs numba")


@pytest.mark.parametrize(
    ("neurons", "period"), [(5, 5), (12, 4), (2 * kernels.BLOCK + 3, 2 * kernels.BLOCK + 3), (10, 64)]
)
def test_neurons_of_all_blocks_have_numbers_of_their_own(neurons: int, period: int):
    """v <- trunc(v / 2) + 2 x + bias, s = [v > level], v <- 0, in Python's integers."""
    rng = np.random.default_rng(neurons)
    x, own = rng.integers(-5, 9, (4, neurons)), (rng.integers(-3, 4, period), rng.integers(4, 12, period))
    constants = map(np.float32, (2, 0.5, 1000))
    spikes = np.full((4, neurons), 9, np.uint8)
    count = kernels.lif(x.astype(np.float32), *(each.astype(np.float32) for each in own), *constants, spikes)
    v, exact = np.zeros(neurons, int), np.zeros((4, neurons), int)
    bias, level = (each[np.arange(neurons) % period] for each in own)
    for t in range(4):
        v = np.sign(v) * (abs(v) // 2) + 2 * x[t] + bias
        exact[t] = v > level
        v[v > level] = 0
    assert np.array_equal(spikes, exact)
    assert count == exact.sum() > 0


def test_a_membrane_saturates_on_both_sides():
    x = np.array([[100, -100], [-50, 170]], np.float64)
    spikes = np.empty((2, 2), np.uint8)
    kernels.lif(x, np.zeros(2), np.full(2, 60.0), *map(np.float64, (1, 1, 70)), spikes)
    assert spikes.tolist() == [[1, 0], [0, 1]], "-100 is cut to -70, to which 170 adds 100, cut to 70"


def test_one_step_wraps_the_current_and_keeps_both_states():
    """half = 8: u in (-8, 8], v in (-8, 8)."""
    u, v, spikes = np.array([[4.0, -4.0, 0.0]]), np.array([[2.0, -7.0, 3.0]]), np.empty((1, 3), np.uint8)
    x, own = np.array([[3.0, -3.0, 5.0]]), (np.array([0.0, 1.0, 0.0]), np.array([5.0, 5.0, 7.0]))
    kernels.lif_step(x, u, v, *own, 2.0, 0.75, 1.0, 8.0, spikes)
    assert u.tolist() == [[-7, 7, -6]], "3 + 6 = 9 wraps to -7, -3 - 6 = -9 to 7, and 10 to -6"
    assert v.tolist() == [[-5, 1, -3]]
    assert spikes.tolist() == [[0, 0, 0]]
    kernels.lif_step(np.array([[7.0, -1.0, 8.0]]), u, v, *own, 2.0, 0.0, 1.0, 8.0, spikes)
    assert u.tolist() == [[-2, -2, 0]], "14 wraps to -2 and 16 to 0"
    assert v.tolist() == [[-7, 0, -3]]
    kernels.lif_step(np.array([[0.0, 4.0, 4.0]]), u, v, *own, 2.0, 0.0, 0.0, 8.0, spikes)
    assert u.tolist() == [[0, 8, 8]], "half itself does not wrap"
    assert spikes.tolist() == [[0, 1, 0]], "v is 7 in both, and one must exceed 7"
    assert v.tolist() == [[0, 0, 7]]


@pytest.mark.parametrize("gates", [None, [1, 0, 1, 1, 0, 1]])
def test_payloads_are_floored_cut_and_counted(gates: list[int] | None):
    x, bias = np.array([-9, 7, 0, 50, -70, 1], np.float32), np.array([1, -1], np.float32)
    values, constants = np.full(6, 99, np.int8), map(np.float32, (0.25, -8, 7))
    if gates is None:
        count = kernels.payloads(x, bias, *constants, values)
        assert values.tolist() == [-2, 1, 0, 7, -8, 0]
        assert count == 4
    else:
        count = kernels.gated_payloads(x, bias, *constants, np.array(gates, np.uint8), values)
        assert values.tolist() == [-2, 0, 0, 7, 0, 0]
        assert count == 2


def test_images_turned():
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    y = np.empty((2, 4, 3), np.uint8)
    kernels.channels_last(x, y)
    assert np.array_equal(y, x.transpose(0, 2, 1))


def test_products_that_are_not_zero():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-1, 2, (2, 3, 4)).astype(np.float32), rng.integers(0, 2, (2, 4, 5)).astype(np.float32)
    pairs = (a[g, i, c] * b[g, c, n] for g, i, c, n in product(range(2), range(3), range(4), range(5)))
    assert kernels.product_active(a, b) == sum(value != 0 for value in pairs)


def test_weights_of_what_is_active():
    x = np.array([[0, 3, 0], [-1, 2, 0], [0, 0, 9]])
    assert kernels.weighted_active(x, np.array([1, 10, 100])) == 10 + 11 + 100
