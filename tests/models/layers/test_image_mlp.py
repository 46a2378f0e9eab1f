"""The spiking MLP against the replay, exactly, with ties."""

from __future__ import annotations

import numpy as np

from models.layers.image_mlp import ImageMlp
from tests.models.layers.image_oracle import make_dyadic, oracle_of, random_counts, run


def test_mlp_equals_the_oracle() -> None:
    mlp = ImageMlp(6, 24)
    for seed in range(3):
        make_dyadic(mlp, seed)
        x, oracle = random_counts((4, 2, 6, 3, 5), 3, seed), oracle_of(mlp)
        expected = oracle.mlp("", x.double().numpy())
        np.testing.assert_array_equal(run(mlp, x), expected)
        assert oracle.ties > 20
        assert 0 < expected.mean() < 1
