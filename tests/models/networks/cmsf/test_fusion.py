"""The three fusions against the numpy replay, exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.cmsf.parts import initial_parts
from tests.models.networks.cmsf.oracle import SMALL, balanced, make_dyadic, oracle_of


@pytest.mark.parametrize("fusion", ["scca", "sca", "scsa"])
def test_fusion_equals_oracle(fusion: str) -> None:
    config = replace(SMALL, fusion=fusion)
    part = initial_parts(config, seed=0)["fusion"]
    make_dyadic(part, 5)
    image, text = balanced((4, 6, 8), seed=1), balanced((4, 6, 8), seed=2)
    early = balanced((4, 6, 8), seed=3)
    with torch.no_grad():
        fused = part(image, text, early, -early)
    oracle = oracle_of(part)
    x = oracle.coder("spike_coder1", image.double().numpy(), config.T)
    y = oracle.coder("spike_coder2", text.double().numpy(), config.T)
    if fusion == "scsa":
        both = np.concatenate((x, y), axis=2)
        image_out, text_out = np.split(oracle.block("block.0.", both, both, config), 2, axis=2)
    else:
        image_out = oracle.block("block_i.0.", x, y, config)
        text_out = oracle.block("block_t.0.", y, x, config)
    f = early.double().numpy()
    np.testing.assert_array_equal(fused.image_fused.numpy(), oracle.read_out(image_out, "weights_tensor_img", f))
    np.testing.assert_array_equal(fused.text_fused.numpy(), oracle.read_out(text_out, "weights_tensor_txt", -f))
    assert oracle.ties > 20
