"""The three attentions on images against loops over heads, tokens and steps, exactly, with ties at the threshold of 8."""

from __future__ import annotations

import numpy as np
import pytest

from models.layers.image_attention import ImageAttention, SpatialCrossAttention, TemporalCrossAttention
from tests.models.layers.image_oracle import flat, make_dyadic, oracle_of, random_counts, run

QUERY, MEMORY = (4, 3, 8, 4, 2), (4, 3, 8, 2, 4)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_image_attention_equals_the_oracle(heads: int) -> None:
    attention, ties = ImageAttention(8, heads), 0
    for seed in range(3):
        make_dyadic(attention, seed)
        x, y = random_counts(QUERY, 2, seed), random_counts(MEMORY, 2, seed + 50)
        oracle = oracle_of(attention)
        expected = oracle.attention("", flat(x.double().numpy()), flat(y.double().numpy()), heads, 8.0)
        np.testing.assert_array_equal(run(attention, x, y), expected.reshape(QUERY))
        assert 0 < expected.mean() < 1
        ties += oracle.ties
    assert ties > 60


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("kind", ["spatial", "temporal"])
def test_cross_attentions_equal_the_oracle(kind: str, heads: int) -> None:
    attention = (SpatialCrossAttention if kind == "spatial" else TemporalCrossAttention)(8, heads)
    for seed in range(3):
        make_dyadic(attention, seed)
        x, y = random_counts(QUERY, 2, seed).flatten(3), random_counts(MEMORY, 2, seed + 50).flatten(3)
        oracle = oracle_of(attention)
        replay = oracle.attention if kind == "spatial" else oracle.temporal_attention
        expected = replay("", x.double().numpy(), y.double().numpy(), heads, 8.0)
        np.testing.assert_array_equal(run(attention, x, y), expected)
        assert 0 < expected.mean() < 1
        assert oracle.ties > 20


def test_the_temporal_attention_sees_later_steps_and_the_spatial_does_not() -> None:
    x = random_counts(QUERY, 2, 1).flatten(3)
    late = x.clone()
    late[-1] = 2 - late[-1]
    for attention, sees in ((SpatialCrossAttention(8, 2), False), (TemporalCrossAttention(8, 2), True)):
        make_dyadic(attention, 0)
        assert bool((run(attention, x, x)[:-1] != run(attention, late, late)[:-1]).any()) == sees


def test_samples_do_not_see_each_other() -> None:
    """The published projection's neurons run over steps and samples as one sequence; these do not."""
    attention = ImageAttention(8, 2)
    make_dyadic(attention, 3)
    x = random_counts(QUERY, 3, 4)
    together = run(attention, x, x)
    for sample in range(3):
        alone = x[:, sample : sample + 1]
        np.testing.assert_array_equal(run(attention, alone, alone)[:, 0], together[:, sample])


def test_names_are_those_of_published_checkpoints() -> None:
    names = {f"{layer}_{part}" for layer in ("q", "k", "v", "proj") for part in ("conv", "bn")}
    for attention, bias in ((ImageAttention(8, 2), True), (SpatialCrossAttention(8, 2), False)):
        state = attention.state_dict()
        assert {key.partition(".")[0] for key in state} == names
        assert ("proj_conv.bias" in state) == bias
