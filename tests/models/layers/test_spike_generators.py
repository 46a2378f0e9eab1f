"""The six spike generators against their equations, and the two-step coder's comparators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.layers.spike_generators import GENERATORS, RepeatLN, spike_generator

STEPS, BATCH, TOKENS, WIDTH = 3, 4, 5, 8


def _norm(x: np.ndarray, state: dict[str, np.ndarray], name: str, axis: int) -> np.ndarray:
    """Batch norm in eval mode with channels on `axis` of `x`."""
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, var, weight, bias = (
        state[f"{name}.{key}"].reshape(shape) for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(var + 1e-5) * weight + bias


def _layer_norm(x: np.ndarray, state: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return normed * state[f"{name}.weight"] + state[f"{name}.bias"]


def _currents(name: str, x: np.ndarray, s: dict[str, np.ndarray]) -> np.ndarray:
    """(B, L, D) -> input currents (T, B, L, D) of the generator's neurons."""
    if name.startswith("repeat"):
        repeated = np.stack([x] * STEPS)
        if name == "repeat-ln":
            return _layer_norm(repeated, s, "norm2")
        return _norm(repeated, s, "norm2", axis=0)
    if name == "conv-bn":
        padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
        kernels, bias = s["encoder.0.weight"][:, 0, 0], s["encoder.0.bias"]
        windows = [padded[:, j : j + TOKENS] for j in range(3)]
        out = np.stack([sum(k[j] * windows[j] for j in range(3)) for k in kernels])
        return _norm(out + bias[:, None, None, None], s, "encoder.1", axis=0)
    if name == "delta-bn":
        delta = np.diff(x, axis=1, prepend=x[:, :1])
        delta = _norm(delta[None], s, "norm", axis=0)[0]
        out = np.stack([delta * w + b for w, b in zip(s["enc.weight"][:, 0], s["enc.bias"], strict=True)])
        return _norm(out, s, "norm2", axis=0)
    wide = _layer_norm(x, s, "norm1") @ s["linear.weight"].T + s["linear.bias"]
    out = np.stack([wide[..., t::STEPS] for t in range(STEPS)])
    return _layer_norm(out, s, "norm2") if name == "linear-ln" else _norm(out, s, "norm2", axis=0)


def _random_norms(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.2, 0.6)
        if isinstance(part, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(part.weight, 0.7, 1.5)
            nn.init.uniform_(part.bias, 0.0, 1.0)


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_equals_its_equation(name: str) -> None:
    torch.manual_seed(1)
    generator = spike_generator(name, STEPS, WIDTH).eval()
    _random_norms(generator)
    x = torch.randn(BATCH, TOKENS, WIDTH)
    with torch.no_grad():
        spikes = generator(x).numpy()
    state = {key: value.double().numpy() for key, value in generator.state_dict().items()}
    v = np.zeros((BATCH, TOKENS, WIDTH))
    for step, current in enumerate(_currents(name, x.double().numpy(), state)):
        v = (v + current) / 2
        clear = np.abs(v - 1.0) > 1e-5
        np.testing.assert_array_equal(spikes[step][clear], (v >= 1.0)[clear])
        assert clear.mean() > 0.99
        v = v * (1 - spikes[step])
    assert 0.02 < spikes.mean() < 0.8


def test_coder_with_two_steps_is_two_comparators() -> None:
    """Current >= 2 fires at both steps, 4/3 <= current < 2 at the second; ties fire."""
    below = np.nextafter(np.float32(2), np.float32(0))
    currents = torch.tensor([2.0, float(below), 1.5, 1.34, 1.33, 1.0, 0.0, -3.0])
    coder = RepeatLN(2, 8).eval()
    coder.norm2.weight.data.zero_()
    coder.norm2.bias.data = currents
    with torch.no_grad():
        spikes = coder(torch.randn(3, 4, 8))
    pattern = torch.tensor([[1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]]).float()
    assert torch.equal(spikes, pattern[:, None, None].expand(2, 3, 4, 8))


def test_dynamic_threshold_does_not_act() -> None:
    coder = RepeatLN(2, 8).eval()
    coder.norm2.weight.data.zero_()
    coder.norm2.bias.data.fill_(2.0)
    coder.lif.dynamic_threshold.fill_(50.0)
    with torch.no_grad():
        assert coder(torch.randn(1, 2, 8)).min() == 1.0


def test_unknown_generator_is_named() -> None:
    with pytest.raises(ValueError, match="'poisson' is not one of conv-bn"):
        spike_generator("poisson", 2, 8)
