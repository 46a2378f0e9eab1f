"""
Layers of spike images as numpy replays written from the published equations, and numbers on which both compute without rounding.

Weights, biases and statistics are small dyadic numbers (norms without epsilon), so every spike must agree. Membranes that land
exactly on the threshold are common then; each test asks for some. Arrays are (T, B, C, H, W), or (T, B, C, N) with flat pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import nn


@dataclass
class ImageOracle:
    """Replay of one module from its state dict; counts membranes exactly on threshold."""

    state: dict[str, np.ndarray]
    ties: int = 0

    def neuron(self, x: np.ndarray, threshold: float = 2.0) -> np.ndarray:
        """U <- U/2 + x, fires at U >= threshold, resets to 0; U is twice the membrane where inputs are halved."""
        u, spikes = np.zeros_like(x[0]), np.zeros_like(x)
        for step, current in enumerate(x):
            u = u / 2 + current
            spikes[step] = u >= threshold
            self.ties += int((u == threshold).sum())
            u = np.where(spikes[step] > 0, 0.0, u)
        return spikes

    def conv(self, name: str, x: np.ndarray, stride: int = 1) -> np.ndarray:
        """Tap by tap; padded so that the image keeps its size, then strided. 1 x 1 kernels of two or three axes as well."""
        weight = self.state[f"{name}.weight"]
        flat = x.ndim == 4
        x = x[..., None] if flat else x
        weight = weight.reshape(*weight.shape[:2], *(weight.shape[2:] if weight.ndim == 4 else (1, 1)))
        side = weight.shape[2] // 2
        padded = np.pad(x, [(0, 0)] * 3 + [(side, side)] * 2)
        height, width = x.shape[3:]
        out = 0.0
        for i in range(weight.shape[2]):
            for j in range(weight.shape[3]):
                window = padded[..., i : i + height : stride, j : j + width : stride]
                out = out + np.einsum("oc,tbchw->tbohw", weight[:, :, i, j], window)
        bias = self.state.get(f"{name}.bias")
        out = out if bias is None else out + bias[:, None, None]
        return out[..., 0] if flat else out

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        shape = (-1, *[1] * (x.ndim - 3))
        s = {
            key: self.state[f"{name}.{key}"].reshape(shape) for key in ("weight", "bias", "running_mean", "running_var")
        }
        return (x - s["running_mean"]) / np.sqrt(s["running_var"]) * s["weight"] + s["bias"]

    def current(self, prefix: str, x: np.ndarray, stride: int = 1) -> np.ndarray:
        return self.norm(f"{prefix}_bn", self.conv(f"{prefix}_conv", x, stride))

    def layer(self, prefix: str, x: np.ndarray, stride: int = 1) -> np.ndarray:
        return self.neuron(self.current(prefix, x, stride))

    def mask(self, prefix: str, x: np.ndarray, heads: int, threshold: float, axis: int = 0) -> np.ndarray:
        """(T, B, C, N): a head's channels are added up (axis 0) or its tokens (axis 1); the mask on all of the head's places."""
        q, out = self.layer(f"{prefix}q", x), np.zeros_like(x)
        d = q.shape[2] // heads
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            total = q[:, :, own].sum(axis=2 + axis, keepdims=True)
            out[:, :, own] = np.broadcast_to(self.neuron(total, 2 * threshold), q[:, :, own].shape)
        return out

    def masked_keys(
        self, prefix: str, x: np.ndarray, y: np.ndarray, heads: int, threshold: float, axis: int = 0
    ) -> np.ndarray:
        return self.mask(prefix, x, heads, threshold, axis) * self.layer(f"{prefix}k", y)

    def attention(self, prefix: str, x: np.ndarray, y: np.ndarray, heads: int, threshold: float) -> np.ndarray:
        """Scores of every pair of tokens, head by head; `threshold` in units of the integer product."""
        q, k, v = self.layer(f"{prefix}q", x), self.layer(f"{prefix}k", y), self.layer(f"{prefix}v", y)
        mixed, d = np.zeros_like(q), q.shape[2] // heads
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            scores = np.einsum("tbcn,tbcm->tbnm", q[:, :, own], k[:, :, own])
            mixed[:, :, own] = np.einsum("tbnm,tbcm->tbcn", scores, v[:, :, own])
        return self.layer(f"{prefix}proj", self.neuron(mixed, threshold))

    def temporal_attention(self, prefix: str, x: np.ndarray, y: np.ndarray, heads: int, threshold: float) -> np.ndarray:
        """Scores of every pair of steps of a token, put in place as the published reshape does, entry by entry."""
        q, k, v = self.layer(f"{prefix}q", x), self.layer(f"{prefix}k", y), self.layer(f"{prefix}v", y)
        steps, _, width, _ = q.shape
        d, mixed = width // heads, np.zeros_like(q)
        for t in range(steps):
            for c in range(width):
                flat = t * width + c
                head, time, channel = flat // (steps * d), (flat // d) % steps, flat % d
                for s in range(steps):
                    own = slice(head * d, (head + 1) * d)
                    score = (q[time][:, own] * k[s][:, own]).sum(axis=1)
                    mixed[t, :, c] += score * v[s][:, head * d + channel]
        return self.layer(f"{prefix}proj", self.neuron(mixed, threshold))

    def mlp(self, prefix: str, x: np.ndarray) -> np.ndarray:
        return self.layer(f"{prefix}mlp2", self.layer(f"{prefix}mlp1", x))

    def fire_pooled(self, current: np.ndarray, order: str, stride: int) -> np.ndarray:
        if order == "current":
            return self.neuron(max_pool(current, stride))
        return max_pool(self.neuron(current), stride)

    def stem(self, prefix: str, x: np.ndarray, order: str, stride: int) -> np.ndarray:
        u = self.fire_pooled(self.current(f"{prefix}proj", x), order, stride)
        deep = self.fire_pooled(self.current(f"{prefix}proj1", u), order, 2)
        return self.layer(f"{prefix}proj2", deep) + self.layer(f"{prefix}proj_res", u, stride=2)

    def downsampling(self, prefix: str, x: np.ndarray, order: str) -> np.ndarray:
        deep = self.fire_pooled(self.current(f"{prefix}proj3", x), order, 2)
        return self.layer(f"{prefix}proj4", deep) + self.layer(f"{prefix}proj_res", x, stride=2)


def max_pool(x: np.ndarray, stride: int) -> np.ndarray:
    """3 x 3 windows around every `stride`-th pixel."""
    padded = np.pad(x, [(0, 0)] * 3 + [(1, 1)] * 2, constant_values=-np.inf)
    height, width = x.shape[3:]
    windows = [padded[..., i : i + height : stride, j : j + width : stride] for i in range(3) for j in range(3)]
    return np.max(windows, axis=0)


def flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:3], -1)


def make_dyadic(module: nn.Module, seed: int) -> None:
    """Small dyadic numbers everywhere, with which neurons neither all fire nor all rest; attentions get busy operands."""
    rng, fan_in = torch.Generator().manual_seed(seed), 1

    def choose(like: torch.Tensor, low: int, high: int, scale: float) -> torch.Tensor:
        return torch.randint(low, high + 1, like.shape, generator=rng).float() * scale

    for path, part in module.named_modules():
        if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Linear):
            fan_in = part.weight[0].numel()
            part.weight.data = choose(part.weight, -2, 2, 0.25)
            if part.bias is not None:
                part.bias.data = choose(part.bias, -2, 2, 0.25)
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.eps = 0.0
            part.weight.data = choose(part.weight, 1, 4, 0.5)
            busy = 0.5 if path.rpartition(".")[2] in ("q_bn", "k_bn", "v_bn") else 0.0
            part.bias.data = choose(part.bias, 0, 5, 0.25) + busy
            part.running_mean = choose(part.running_mean, -2, 2, 0.25)
            part.running_var = torch.full_like(part.running_var, 4.0 ** round(np.log(max(fan_in, 8) / 8) / np.log(4)))


def oracle_of(module: nn.Module) -> ImageOracle:
    return ImageOracle({name: value.double().numpy() for name, value in module.state_dict().items()})


def run(module: nn.Module, *inputs: torch.Tensor) -> np.ndarray:
    """The module's own forward, from zero state."""
    functional.reset_net(module)
    with torch.no_grad():
        return module.eval()(*inputs).double().numpy()


def random_counts(shape: tuple[int, ...], top: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, top + 1, shape, generator=rng).float()
