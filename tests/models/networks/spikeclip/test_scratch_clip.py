"""The twin without spikes against its equations in numpy, and beside the spiking network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from spikingjelly.activation_based.neuron import BaseNode

from models.networks.spikeclip.parts import initial_parts
from models.networks.spikeclip.scratch_clip import ScratchMlpTextEncoder, quick_gelu
from tests.models.networks.spikeclip.oracle import SMALL, eighths, oracle_of

TWIN = replace(SMALL, neurons="none")


def _norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias


def _quick_gelu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-1.702 * x))


def _block(x: np.ndarray, state: dict[str, np.ndarray], prefix: str, heads: int) -> np.ndarray:
    """LayerNorm, softmax attention, LayerNorm, MLP; each added."""
    s = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    normed, mixed = _norm(x, s["norm1.weight"], s["norm1.bias"]), np.zeros_like(x)
    q, k, v = np.split(normed @ s["self_attn.in_proj_weight"].T + s["self_attn.in_proj_bias"], 3, axis=-1)
    d = x.shape[-1] // heads
    for head in range(heads):
        own = slice(head * d, (head + 1) * d)
        weights = np.exp(np.einsum("bic,bjc->bij", q[..., own], k[..., own]) / np.sqrt(d))
        mixed[..., own] = (weights / weights.sum(-1, keepdims=True)) @ v[..., own]
    x = x + mixed @ s["self_attn.out_proj.weight"].T + s["self_attn.out_proj.bias"]
    hidden = _quick_gelu(_norm(x, s["norm2.weight"], s["norm2.bias"]) @ s["linear1.weight"].T + s["linear1.bias"])
    return x + hidden @ s["linear2.weight"].T + s["linear2.bias"]


def _pooled(x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    x = _norm(x, state["pre_layernorm.weight"], state["pre_layernorm.bias"])
    for place in range(TWIN.depth):
        x = _block(x, state, f"encoder.layers.{place}.", TWIN.heads)
    x = _norm(x.mean(1), state["post_layernorm.weight"], state["post_layernorm.bias"])
    return x @ state["proj.weight"].T + state["proj.bias"]


def test_image_twin_is_a_vision_transformer_behind_a_linear_stem() -> None:
    encoder, images = initial_parts(TWIN, 0)["image"], eighths((3, 3, 8, 8), 0, 8, 1)
    oracle, x = oracle_of(encoder), images.double().numpy()[None]
    for place in range(5):
        name = f"embeddings.block{place}"
        oracle.state[f"{name}_bn.running_var"] = oracle.state[f"{name}_bn.running_var"] + 1e-5
        x = oracle.norm(f"{name}_bn", oracle.conv(f"{name}_conv", x))
        x = oracle.largest(x) if place in (2, 3) else x
    expected = _pooled(np.moveaxis(x[0].reshape(3, TWIN.D, -1), 1, 2), oracle.state)
    with torch.no_grad():
        np.testing.assert_allclose(encoder(images).numpy(), expected, rtol=1e-3, atol=1e-5)


def test_text_twins() -> None:
    tokens = torch.randint(0, TWIN.vocabulary, (3, TWIN.words), generator=torch.Generator().manual_seed(1))
    mlp = initial_parts(TWIN, 0)["text"]
    assert isinstance(mlp, ScratchMlpTextEncoder)
    oracle = oracle_of(mlp)
    x = oracle.affine("fc1", _quick_gelu(oracle.embedding(tokens.numpy()).reshape(3, -1)))
    with torch.no_grad():
        np.testing.assert_allclose(mlp(tokens).numpy(), oracle.affine("fc2", _quick_gelu(x)), rtol=1e-4, atol=1e-6)
    transformer = initial_parts(replace(TWIN, text="transformer"), 0)["text"]
    oracle = oracle_of(transformer)
    words = oracle.affine("redim", oracle.embedding(tokens.numpy()))
    with torch.no_grad():
        np.testing.assert_allclose(transformer(tokens).numpy(), _pooled(words, oracle.state), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("text", ["mlp", "transformer"])
def test_twin_has_no_neurons_and_features_of_the_same_shape(text: str) -> None:
    spiking, twin = (initial_parts(replace(SMALL, text=text, neurons=neurons), 0) for neurons in ("lif", "none"))
    inputs = {"image": torch.rand(2, 3, 8, 8), "text": torch.ones(2, SMALL.words, dtype=torch.int64)}
    for name, part in twin.items():
        assert not any(isinstance(module, BaseNode) for module in part.modules())
        assert any(isinstance(module, BaseNode) for module in spiking[name].modules())
        with torch.no_grad():
            assert part(inputs[name]).shape == spiking[name](inputs[name]).shape == (2, SMALL.E)


def test_quick_gelu() -> None:
    assert quick_gelu(torch.tensor([-1.0, 0.0, 1.0])).tolist() == pytest.approx([-0.154195, 0.0, 0.845805], abs=1e-5)
