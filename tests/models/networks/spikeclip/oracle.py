"""
SpikeCLIP as a numpy replay written from the published equations, with loops over taps, windows, heads and queries.

Weights, biases, statistics and pixels are small dyadic numbers (norms without epsilon), so that every spike and every current
must agree. Membranes that land exactly on the threshold are common then; each test asks for some.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import nn

from models.networks.spikeclip.config import SpikeClipConfig
from tests.models.networks.cmsf.oracle import Oracle

SMALL = SpikeClipConfig(D=16, heads=2, E=8, vocabulary=11, positions=6, words=4, pixels=8, depth=2)


class SpikeClipOracle(Oracle):
    """Replay of layers and encoders from their state dicts; arrays are (T, B, C, ...) float64."""

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        return np.moveaxis(self.batch_norm(name, np.moveaxis(x, 2, -1)), -1, 2)

    def conv(self, name: str, x: np.ndarray) -> np.ndarray:
        """3 x 3, one tap after another, zeros around the image."""
        weight = self.state[f"{name}.weight"]
        height, width = x.shape[-2:]
        padded = np.pad(x, [(0, 0)] * 3 + [(1, 1)] * 2)
        out = np.zeros((*x.shape[:2], len(weight), height, width))
        for i, j in product(range(3), range(3)):
            out += np.einsum("oc,tbchw->tbohw", weight[:, :, i, j], padded[..., i : i + height, j : j + width])
        return out

    def pointwise(self, name: str, x: np.ndarray) -> np.ndarray:
        """Kernel 1, in one or two dimensions."""
        weight = self.state[f"{name}.weight"]
        out = np.einsum("oc,tbc...->tbo...", weight.reshape(weight.shape[:2]), x)
        bias = self.state.get(f"{name}.bias")
        return out if bias is None else out + bias.reshape(-1, *[1] * (x.ndim - 3))

    def largest(self, x: np.ndarray) -> np.ndarray:
        """Windows of 3 x 3 at every second pixel, those beyond the border smaller."""
        height, width = x.shape[-2:]
        out = np.zeros((*x.shape[:3], height // 2, width // 2))
        for i, j in product(range(height // 2), range(width // 2)):
            window = x[..., max(0, 2 * i - 1) : 2 * i + 2, max(0, 2 * j - 1) : 2 * j + 2]
            out[..., i, j] = window.max(axis=(-2, -1))
        return out

    def stem(self, prefix: str, x: np.ndarray, pool: str) -> np.ndarray:
        for place in range(4):
            x = self.norm(f"{prefix}block{place}_bn", self.conv(f"{prefix}block{place}_conv", x))
            if place < 2:
                x = self.neuron(x, 2.0)
            else:
                x = self.neuron(self.largest(x), 2.0) if pool == "analog" else self.largest(self.neuron(x, 2.0))
        return self.norm(f"{prefix}block4_bn", self.conv(f"{prefix}block4_conv", x))

    def spikingformer_attention(self, prefix: str, x: np.ndarray, heads: int) -> np.ndarray:
        spikes = self.neuron(x, 2.0)
        spikes = spikes.reshape(*x.shape[:3], -1)
        q, k, v = (
            self.neuron(self.norm(f"{prefix}{n}_bn", self.pointwise(f"{prefix}{n}_conv", spikes)), 2.0) for n in "qkv"
        )
        count, d = np.zeros_like(q), q.shape[2] // heads
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            for query in range(q.shape[-1]):
                agree = np.einsum("tbc,tbcj->tbj", q[:, :, own, query], k[:, :, own])
                count[:, :, own, query] = np.einsum("tbj,tbcj->tbc", agree, v[:, :, own])
        fired = self.neuron(count, 8.0)
        return self.norm(f"{prefix}proj_bn", self.pointwise(f"{prefix}proj_conv", fired)).reshape(x.shape)

    def spikingformer_mlp(self, prefix: str, x: np.ndarray) -> np.ndarray:
        for layer in ("mlp1", "mlp2"):
            x = self.norm(f"{prefix}{layer}_bn", self.pointwise(f"{prefix}{layer}_conv", self.neuron(x, 2.0)))
        return x

    def spikingformer_block(self, prefix: str, x: np.ndarray, heads: int) -> np.ndarray:
        x = x + self.spikingformer_attention(f"{prefix}attn.", x, heads)
        return x + self.spikingformer_mlp(f"{prefix}mlp.", x)

    def stream(self, x: np.ndarray, config: SpikeClipConfig) -> np.ndarray:
        """Blocks, then the mean of all tokens: (T, B, D)."""
        for place in range(config.depth):
            x = self.spikingformer_block(f"block.{place}.", x, config.heads)
        return x.mean(axis=(3, 4))

    def over_time(self, x: np.ndarray, config: SpikeClipConfig) -> np.ndarray:
        weights = np.full(config.T, 1 / config.T) if config.time == "mean" else self.state["weights_tensor"].ravel()
        return np.einsum("t,tbd->bd", weights, x)

    def image_encoder(self, images: np.ndarray, config: SpikeClipConfig) -> np.ndarray:
        x = self.stem("patch_embed.", np.stack([images] * config.T), config.pool)
        return self.affine("proj", self.over_time(self.stream(x, config), config))

    def embedding(self, tokens: np.ndarray) -> np.ndarray:
        words, positions = (self.state[f"clip_embedding.{n}_embedding.weight"] for n in ("token", "position"))
        return np.stack([[words[token] + positions[place] for place, token in enumerate(text)] for text in tokens])

    def mlp_text_encoder(self, tokens: np.ndarray, config: SpikeClipConfig) -> np.ndarray:
        x = np.stack([self.embedding(tokens).reshape(len(tokens), -1)] * config.T)
        x = self.affine("fc1", self.neuron(x, 2.0))
        x = self.affine("fc2", self.neuron(x, 2.0))
        return self.over_time(x, config)

    def transformer_text_encoder(self, tokens: np.ndarray, config: SpikeClipConfig) -> np.ndarray:
        words = np.moveaxis(self.affine("redim", self.embedding(tokens)), 1, 2)
        x = np.stack([words[:, :, None]] * config.T)
        return self.affine("proj", self.over_time(self.stream(x, config), config))


def make_dyadic(module: nn.Module, seed: int) -> None:
    """Small dyadic parameters everywhere; norms divide by a power of 2, and queries, keys and values fire often enough to meet."""
    rng = torch.Generator().manual_seed(seed)

    def choose(like: torch.Tensor, low: int, high: int, scale: float) -> torch.Tensor:
        return torch.randint(low, high + 1, like.shape, generator=rng).float() * scale

    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            part.weight.data = choose(part.weight, -2, 3, 0.25)
            if part.bias is not None:
                part.bias.data = choose(part.bias, -2, 2, 0.25)
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.eps = 0.0
            part.weight.data = choose(part.weight, 1, 2, 0.5)
            part.bias.data = choose(part.bias, -1, 3, 0.5)
            part.running_mean = choose(part.running_mean, 0, 4, 0.5)
            part.running_var = 4.0 ** choose(part.running_var, 0, 1, 1.0)
        if isinstance(part, nn.Embedding):
            part.weight.data = choose(part.weight, -3, 4, 0.5)
    for name, parameter in module.named_parameters():
        if name.endswith(("q_bn.bias", "k_bn.bias", "v_bn.bias")):
            parameter.data += 1.0
        if "weights_tensor" in name:
            parameter.data = torch.tensor([-1.0, -0.75, -0.5, -0.25]).reshape(parameter.shape)


def oracle_of(module: nn.Module) -> SpikeClipOracle:
    return SpikeClipOracle({name: value.double().numpy() for name, value in module.state_dict().items()})


def eighths(shape: tuple[int, ...], low: int, high: int, seed: int) -> torch.Tensor:
    """Random multiples of 1/8."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(low, high + 1, shape, generator=rng).float() / 8
