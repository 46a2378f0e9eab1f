"""Weights: the ranges of Loihi's synapses, and that netx and Lava make of accepted ones what they were."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from backends.netx.weights import check_matrices, check_weights
from ir.errors import CompileError
from ir.graph import Array

FITTING = [[-128, 127], [-256, 254], [0, 255], [1, 200], [-255, -3], [-128, 0], [-7, 0]]
BEYOND = [[-127, 128], [-129, 1], [-256, 255], [-258, 2], [0, 256], [-256, -1], [-201, 0]]


@pytest.mark.parametrize("weights", FITTING)
def test_weights_of_eight_bits_fit(weights: list[int]) -> None:
    check_weights("layer", np.array(weights))


@pytest.mark.parametrize("weights", BEYOND)
def test_wider_weights_are_refused_with_their_range(weights: list[int]) -> None:
    with pytest.raises(CompileError, match=f"%layer: weights of {weights[0]}..{weights[1]}") as caught:
        check_weights("layer", np.array(weights))
    assert "profile netx" in caught.value.hint


def test_a_layer_without_weights_is_refused() -> None:
    with pytest.raises(CompileError, match="all weights are 0"):
        check_weights("layer", np.zeros((2, 2), int))


@pytest.mark.parametrize(
    "matrices", [[[-2]], [[-64, -3]], [[-128, 0]], [[60, -3], [-64, -1]]], ids=["one", "negative", "with zero", "part"]
)
def test_magnitudes_that_a_shift_brings_to_256_are_refused(matrices: list[list[int]]) -> None:
    with pytest.raises(CompileError, match="without a positive one") as caught:
        check_matrices("layer", *(np.array([matrix]) for matrix in matrices))
    assert caught.value.rule == "netx.weight"


def drawn(rng: np.random.Generator) -> Array:
    """A small matrix of a range at random, of both signs or of one, of even numbers at times."""
    low, high = sorted(rng.integers(-256, 256, 2).tolist())
    low, high = [(low, high), (max(low, 0), max(high, 0)), (min(low, 0), min(high, 0))][rng.integers(3)]
    weights = rng.integers(low, high + 1, (2, 3))
    return weights // 2 * 2 if rng.random() < 0.4 else weights


@pytest.mark.lava
def test_netx_and_lava_keep_what_is_accepted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lava.lib.dl.netx.utils import optimize_weight_bits
        from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

        rng, accepted = np.random.default_rng(0), 0
        for _ in range(3000):
            weights, split = drawn(rng), rng.integers(4)
            parts = [part for part in np.split(weights, [split], axis=1) if part.size]  # inputs, and recurrence
            try:
                check_matrices("layer", *parts)
            except CompileError:
                continue
            accepted += 1
            shifted, bits, exponent, _ = optimize_weight_bits(weights)
            for part, stored in zip(parts, (p for p in np.split(shifted, [split], axis=1) if p.size), strict=True):
                mode = determine_sign_mode(stored)
                kept = truncate_weights(clip_weights(stored, mode, num_bits=8), mode, bits)
                np.testing.assert_array_equal(kept, part << -exponent)
    assert accepted > 1000
