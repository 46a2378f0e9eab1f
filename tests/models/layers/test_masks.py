"""Masks of Q-K attention against loops over heads, exactly, with ties; what thresholds mean; names of published checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.layers.masks import MaskAttention, MaskedKeys, Pooled, QueryMask
from models.layers.neuron import lif
from tests.models.layers.image_oracle import flat, make_dyadic, oracle_of, random_counts, run

SHAPE = (4, 3, 8, 3, 2)


@pytest.mark.parametrize("threshold", [0.5, 0.6])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_masked_keys_equal_the_oracle(heads: int, threshold: float) -> None:
    keys, open_slots = MaskedKeys(8, heads, threshold), 0.0
    for seed in range(3):
        make_dyadic(keys, seed)
        x, y = random_counts(SHAPE, 2, seed).flatten(3), random_counts(SHAPE, 2, seed + 50).flatten(3)
        oracle = oracle_of(keys)
        expected = oracle.masked_keys("", x.double().numpy(), y.double().numpy(), heads, threshold)
        np.testing.assert_array_equal(run(keys, x, y), expected)
        assert oracle.ties > 10
        open_slots += expected.mean()
    assert 0 < open_slots < 3


@pytest.mark.parametrize("pooled", ["channels", "tokens"])
def test_attention_equals_the_oracle(pooled: Pooled) -> None:
    attention = MaskAttention(8, 2, pooled=pooled)
    axis = 0 if pooled == "channels" else 1
    for seed in range(3):
        make_dyadic(attention, seed)
        x, y = random_counts(SHAPE, 3, seed), random_counts(SHAPE, 3, seed + 50)
        oracle = oracle_of(attention)
        masked = oracle.masked_keys("", flat(x.double().numpy()), flat(y.double().numpy()), 2, 0.5, axis)
        expected = oracle.layer("proj", masked).reshape(SHAPE)
        np.testing.assert_array_equal(run(attention, x, y), expected)
        assert oracle.ties > 20
        assert 0 < expected.mean() < 1


def test_threshold_half_is_an_or_and_six_tenths_remembers() -> None:
    sums = torch.tensor([1.0, 0, 1, 1, 0, 0, 0, 1, 2, 1]).reshape(-1, 1)
    assert lif(0.5)(sums).flatten().tolist() == [1, 0, 1, 1, 0, 0, 0, 1, 1, 1]
    assert lif(0.6)(sums).flatten().tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 1, 0]


def test_a_mask_opens_whole_tokens_or_whole_channels() -> None:
    x = random_counts(SHAPE, 1, 3).flatten(3)
    for pooled, shape in (("channels", (4, 3, 2, 1, 6)), ("tokens", (4, 3, 2, 4, 1))):
        mask = QueryMask(8, 2, 0.5, pooled=pooled)  # pyright: ignore[reportArgumentType]
        make_dyadic(mask, 1)
        assert run(mask, x).shape == shape


def test_names_are_those_of_published_checkpoints() -> None:
    names = {key.partition(".")[0] for key in MaskAttention(8, 2).state_dict()}
    assert names == {f"{layer}_{part}" for layer in ("q", "k", "proj") for part in ("conv", "bn")}
    assert MaskAttention(8, 2).q_conv.weight.shape == (8, 8, 1)
