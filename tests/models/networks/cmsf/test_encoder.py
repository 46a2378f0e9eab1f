"""Encoders against the numpy replay, exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.cmsf.parts import initial_parts
from tests.models.networks.cmsf.oracle import SMALL, balanced, identity_projection, make_dyadic, oracle_of


@pytest.mark.parametrize("gate", ["analog", "spike"])
@pytest.mark.parametrize(("part", "linear"), [("image", "linear"), ("text", "bert_linear")])
def test_encoder_equals_oracle(part: str, linear: str, gate: str) -> None:
    config = replace(SMALL, gate=gate)
    encoder = initial_parts(config, seed=0)[part]
    make_dyadic(encoder, 3)
    identity_projection(encoder, linear)
    features = balanced((5, 6, 8), seed=4)
    with torch.no_grad():
        result = encoder(features)
    oracle = oracle_of(encoder)
    res = features.double().numpy()
    x0 = oracle.coder("spike_coder", res, config.T)
    x2 = oracle.block("block.0.", x0, x0, config)
    nothing = np.zeros_like(res)
    np.testing.assert_array_equal(result.res.numpy(), features.numpy())
    np.testing.assert_array_equal(result.emb.numpy(), oracle.read_out(x2, "weights_tensor", nothing))
    unit = features.numpy() / np.abs(features.numpy()) / np.sqrt(8.0)
    np.testing.assert_allclose(result.early.numpy(), unit, rtol=1e-6)
    assert oracle.ties > 20
