"""Steps of weights, of rows, and of several matrices together: found whatever they are, and nothing found where there are none."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Array
from ir.quantize.gains.levels import TrainedLevels, levels_of, levels_of_rows, of_common_steps

N = 24


def trained(steps: Any, shape: tuple[int, ...], most: int, seed: int = 0) -> Array:
    """Weights as fake quantisation leaves them: so many times a step, or a step per row, rounded to float32."""
    levels = np.random.default_rng(seed).integers(-most, most + 1, shape)
    levels[:, 0] = most
    levels[:, 1] = 1
    return (levels.astype(np.float32) * np.asarray(steps, np.float32)).astype(np.float32)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_levels_are_found_whatever_the_step(bits: int):
    for seed, step in enumerate(np.random.default_rng(bits).uniform(1e-4, 3, 50)):
        weights = trained(step, (6, 9), (1 << (bits - 1)) - 1, seed)
        found = levels_of(weights, 127)
        assert found is not None
        assert np.array_equal(found.levels, np.rint(weights / np.float32(step)))
        assert float(found.steps) == pytest.approx(float(np.float32(step)), rel=1e-7)


def test_floats_and_more_levels_than_the_chip_has_are_none():
    floats = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    assert levels_of(floats, 127) is None
    assert levels_of(floats[:1, :9], 127) is None
    assert levels_of(trained(0.1, (4, 9), 127), 127) is not None
    assert levels_of(trained(0.1, (4, 9), 128), 127) is None
    assert levels_of(np.array([[0.3, 0.1], [0.7, 0.2000002]], np.float32), 127) is None
    assert levels_of(np.zeros((3, 3), np.float32), 127) is None


def test_rows_have_steps_of_their_own():
    steps = np.random.default_rng(0).uniform(0.01, 1, (5, 1))
    weights = trained(steps, (5, 9), 7)
    weights[3] = 0
    assert levels_of(weights, 127) is None
    found = levels_of_rows(weights, 127)
    assert found is not None
    assert np.allclose(found.levels * found.steps[:, None], weights, rtol=1e-6, atol=0)
    assert found.steps[3] == found.steps.min()
    weights[3] = np.random.default_rng(1).normal(size=9)
    assert levels_of_rows(weights, 127) is None


def test_there_is_a_level_more_below_zero():
    weights = trained(0.0871, (4, 9), 127)
    weights[2, 3] = np.float32(0.0871) * -128
    assert levels_of(weights, 127) is None
    for found in (levels_of(weights, 127, 128), levels_of_rows(weights, 127, 128)):
        assert found is not None
        assert (found.levels.min(), found.levels.max()) == (-128, 127)
    assert levels_of(-weights, 127, 128) is None


@pytest.mark.parametrize("bits", [2, 3, 4, 7])
def test_what_cancelled_is_a_part_of_the_largest_weight(bits: int):
    """DoReFa's 2 k / n - 1 in float32: what is left of 1 has the rounding of 1."""
    most = (1 << bits) - 1
    k = np.random.default_rng(bits).integers(0, most + 1, (N, N))
    k[0] = most
    weights = 2 * (k.astype(np.float32) / np.float32(most)) - 1
    found = levels_of(weights, 127)
    assert found is not None
    assert np.array_equal(found.levels, 2 * k - most)
    far = weights.copy()
    far[k == most // 2] *= np.float32(1 + 1e-6 * most)
    assert levels_of(far, 127) is None


def test_floats_of_64_bits_are_multiples_within_their_own_rounding():
    exact, near = 0.0871 * np.arange(-7, 8).reshape(5, 3), 0.0871 * np.arange(-7, 8).reshape(5, 3)
    near[0, 0] *= 1 + 1e-9
    assert levels_of(exact, 127) is not None
    assert levels_of(near, 127) is None


def trained_on(steps: Any, largest: int) -> TrainedLevels:
    """Levels from -largest to largest of a step, or of a step per row."""
    levels = np.tile(np.array([largest, -1, 1], np.float32), (np.size(steps), 1))
    return TrainedLevels(np.asarray(steps), levels, 2.0**-21)


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 127)), min_size=2, max_size=3), st.floats(1e-3, 10))
def test_common_steps_are_the_largest_that_mantissas_hold(case, step):
    """Against the greatest common divisor: odd parts times levels are 127 at most, exponents 7, unless all are powers of two."""
    into = {str(place): trained_on(times * step, largest) for place, (times, largest) in enumerate(case)}
    found = of_common_steps(into, 127)
    whole = [times // gcd(*(times for times, _ in case)) for times, _ in case]
    odd = [times // min(times & -times, 128) for times in whole]
    powers = all(times & (times - 1) == 0 for times in whole)
    assert bool(found) == (
        powers or all(o == 1 or o * largest <= 127 for o, (_, largest) in zip(odd, case, strict=True))
    )
    for name, each in found.items():
        assert each.levels[0, 0] == whole[int(name)] * case[int(name)][1]
        assert np.allclose(each.levels * each.steps, into[name].levels * into[name].steps, rtol=1e-6, atol=0)


def test_rows_have_common_steps_of_their_own_without_exponents():
    one, other = trained_on([0.3, 0.5, 0.2], 7), trained_on([0.2, 0.3, 0.4], 7)
    found = of_common_steps({"w": one, "z": other}, 127)
    assert found["w"].levels[:, 0].tolist() == [21, 35, 7]
    assert found["z"].levels[:, 0].tolist() == [14, 21, 14]
    assert np.allclose(found["w"].steps, [0.1, 0.1, 0.2])
    assert not of_common_steps({"w": trained_on([0.3, 0.5], 127), "z": trained_on([0.2, 0.5], 127)}, 127)
    assert not of_common_steps({"w": trained_on([0.2, 0.5], 7), "z": trained_on([0.2173, 0.5], 7)}, 127)


def test_a_step_of_all_is_that_of_every_row_and_a_synapse_has_none():
    rows, one = trained_on([0.3, 0.5], 7), TrainedLevels(np.asarray(0.1), np.ones((2, 3)), 2.0**-21)
    assert np.allclose(of_common_steps({"w": rows, "z": one}, 127)["z"].levels, 1)
    synapse = TrainedLevels(np.asarray(1.0), np.asarray(1.0), 0.0)
    assert not of_common_steps({"w": rows, "skip": synapse}, 127)
    tenths = of_common_steps({"w": trained_on(0.1, 7), "skip": synapse}, 127)
    assert (float(tenths["w"].levels[0, 0]), float(tenths["skip"].levels)) == (7, 10)
