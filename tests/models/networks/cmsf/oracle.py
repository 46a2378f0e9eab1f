"""
CMSF as a numpy replay written from the published equations, and numbers on which both compute without rounding.

Weights, biases and statistics are small dyadic numbers (norms without epsilon), so every spike must agree. Membranes that land
exactly on the threshold are common then; each test asks for some.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.networks.cmsf.config import CmsfConfig

SMALL = CmsfConfig(N=6, L=6, D=8, F=16, region_features=8, word_features=8, heads=2, combs=3, gate="analog")


@dataclass
class Oracle:
    """Numpy replay of one network from its state dict; counts membranes exactly on threshold."""

    state: dict[str, np.ndarray]
    ties: int = 0

    def neuron(self, x: np.ndarray, doubled_threshold: float) -> np.ndarray:
        """In units of twice the membrane: U <- U/2 + x, fires at U >= 2 theta, resets to 0."""
        u, spikes = np.zeros_like(x[0]), np.zeros_like(x)
        for step, current in enumerate(x):
            u = u / 2 + current
            spikes[step] = u >= doubled_threshold
            self.ties += int((u == doubled_threshold).sum())
            u = np.where(spikes[step] > 0, 0.0, u)
        return spikes

    def affine(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def batch_norm(self, name: str, x: np.ndarray) -> np.ndarray:
        s = self.state
        centred = (x - s[f"{name}.running_mean"]) / np.sqrt(s[f"{name}.running_var"])
        return centred * s[f"{name}.weight"] + s[f"{name}.bias"]

    def layer(self, linear: str, bn: str, x: np.ndarray) -> np.ndarray:
        return self.neuron(self.batch_norm(bn, self.affine(linear, x)), 2.0)

    def projection(self, prefix: str, which: str, x: np.ndarray) -> np.ndarray:
        return self.layer(f"{prefix}.{which}_linear", f"{prefix}.{which}_bn", x)

    def spike_attention(self, prefix: str, x: np.ndarray, y: np.ndarray, heads: int) -> np.ndarray:
        q, k, v = (self.projection(prefix, n, z) for n, z in (("q", x), ("k", y), ("v", y)))
        count = np.zeros_like(q)
        d = q.shape[-1] // heads
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            scores = np.einsum("tbic,tbjc->tbij", q[..., own], k[..., own])
            count[..., own] = np.einsum("tbij,tbjc->tbic", scores, v[..., own])
        return self.projection(prefix, "proj", self.neuron(count, 8.0))

    def comb_attention(self, prefix: str, x: np.ndarray, y: np.ndarray, combs: int, interleave: bool) -> np.ndarray:
        q, k = self.projection(prefix, "q", x), self.projection(prefix, "k", y)
        tokens = q.shape[2]
        size = tokens // combs
        out = np.zeros_like(k)
        for comb in range(combs):
            fired = q[:, :, comb * size : (comb + 1) * size].any(axis=2)
            for j in range(size):
                key = comb * size + j
                place = j * combs + comb if interleave else key
                out[:, :, place] = fired * k[:, :, key]
        return self.projection(prefix, "proj", out)

    def gated_mlp(self, prefix: str, x: np.ndarray, gate: str) -> np.ndarray:
        hidden = self.affine(f"{prefix}.to_hidden_linear", x)
        v, g = np.split(hidden, 2, axis=-1)
        v = self.neuron(self.batch_norm(f"{prefix}.to_hidden_v_bn", v), 2.0)
        if gate == "spike":
            g = self.neuron(self.batch_norm(f"{prefix}.to_hidden_gate_bn", g), 2.0)
        return self.layer(f"{prefix}.to_out", f"{prefix}.to_bn", g * v)

    def block(self, prefix: str, x: np.ndarray, y: np.ndarray, config: CmsfConfig) -> np.ndarray:
        if f"{prefix}attn.v_linear.weight" in self.state:
            attended = self.spike_attention(f"{prefix}attn", x, y, config.heads)
        else:
            attended = self.comb_attention(f"{prefix}attn", x, y, config.combs, config.interleave)
        x = x + attended
        return x + self.gated_mlp(f"{prefix}mlp", x, config.gate)

    def coder(self, name: str, x: np.ndarray, steps: int) -> np.ndarray:
        """Repeat, LayerNorm over D, and for two steps: x >= 2 -> 11, 4/3 <= x < 2 -> 01."""
        deviation = x - x.mean(axis=-1, keepdims=True)
        normed = deviation / np.sqrt((deviation**2).mean(axis=-1, keepdims=True))
        current = normed * self.state[f"{name}.norm2.weight"] + self.state[f"{name}.norm2.bias"]
        assert steps == 2
        self.ties += int((current == 2.0).sum())
        return np.stack((current >= 2.0, 3 * current >= 4.0)).astype(x.dtype)

    def read_out(self, x: np.ndarray, weights: str, early: np.ndarray) -> np.ndarray:
        """Weighted sum over time plus early features, unit length; float32 as the network."""
        total = (np.swapaxes(x, 0, 1) * self.state[weights]).sum(axis=1) + early
        total = total.astype(np.float32)
        squares = torch.from_numpy((total**2).sum(axis=-1, keepdims=True))
        length = squares.sqrt().numpy() + np.float32(1e-8)  # torch's root, which some processors do not round correctly
        return total / length


def make_dyadic(module: nn.Module, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)

    def choose(like: torch.Tensor, low: int, high: int, scale: float) -> torch.Tensor:
        return torch.randint(low, high + 1, like.shape, generator=rng).float() * scale

    for part in module.modules():
        if isinstance(part, nn.Linear):
            part.weight.data = choose(part.weight, -2, 3, 0.25)
            part.bias.data = choose(part.bias, -2, 2, 0.25)
        if isinstance(part, nn.LayerNorm):
            part.eps = 0.0
            part.weight.data = choose(part.weight, 1, 3, 0.5)
            part.bias.data = choose(part.bias, 0, 4, 0.5)
        if isinstance(part, nn.BatchNorm1d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.eps = 0.0
            part.weight.data = choose(part.weight, 1, 4, 0.5)
            part.bias.data = choose(part.bias, -1, 4, 0.25)
            part.running_mean = choose(part.running_mean, -2, 2, 0.25)
            part.running_var = 4.0 ** choose(part.running_var, -1, 1, 1.0)
    for name, parameter in module.named_parameters():
        if "weights_tensor" in name:
            parameter.data = torch.tensor([2.25, 1.75]).reshape(parameter.shape)


def oracle_of(module: nn.Module) -> Oracle:
    state = module.state_dict().items()
    return Oracle({name: value.double().numpy() for name, value in state})


def random_counts(shape: tuple[int, ...], top: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, top + 1, shape, generator=rng).float()


def balanced(shape: tuple[int, int, int], seed: int) -> torch.Tensor:
    """Tokens of equally many +a and -a, a power of two: LayerNorm divides them exactly."""
    rng = np.random.default_rng(seed)
    signs = np.repeat([1.0, -1.0], shape[-1] // 2)
    tokens = rng.permuted(np.tile(signs, (*shape[:-1], 1)), axis=-1)
    return torch.from_numpy(tokens * 2.0 ** rng.integers(-2, 3, (*shape[:-1], 1))).float()


def identity_projection(encoder: nn.Module, name: str) -> None:
    linear = getattr(encoder, name)
    linear.weight.data = torch.eye(linear.in_features)
    linear.bias.data.zero_()
