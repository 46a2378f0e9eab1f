"""TAAF as a numpy replay from its equations, on top of the replay of its layers."""

from __future__ import annotations

import numpy as np

from models.networks.taaf.config import BranchSize, TaafConfig
from tests.models.layers.image_oracle import ImageOracle, max_pool

SMALL = TaafConfig(
    video=BranchSize(4, 2, 16, 16), audio=BranchSize(8, 1, 32, 8), classes=3, T=4, width=4, kernel=3, stride=1
)
"""Every mean is over a power of two, so that nothing is rounded."""


def branch(oracle: ImageOracle, prefix: str, x: np.ndarray, stride: int) -> np.ndarray:
    """(steps, B, features): SEW blocks with the neuron `U <- U/2 + x`, threshold 1."""

    def fire(conv: str, bn: str, x: np.ndarray, stride: int) -> np.ndarray:
        return oracle.neuron(oracle.norm(prefix + bn, oracle.conv(prefix + conv, x, stride)), 1.0)

    x = max_pool(fire("conv1", "bn1", x, stride), 2)
    for stage in (1, 2, 3, 4):
        for index in (0, 1):
            block, step = f"layer{stage}.{index}.", 2 if stage > 1 and index == 0 else 1
            own = fire(f"{block}conv2", f"{block}bn2", fire(f"{block}conv1", f"{block}bn1", x, step), 1)
            x = own + (fire(f"{block}downsample.0", f"{block}downsample.1", x, step) if step == 2 else x)
    return x.mean(axis=(3, 4))


def aligned(oracle: ImageOracle, prefix: str, x: np.ndarray, steps: int) -> np.ndarray:
    weight, span = oracle.state[f"{prefix}conv.weight"][:, 0], len(x) // steps
    out = np.zeros((steps, *x.shape[1:]))
    for t in range(steps):
        for back in range(weight.shape[1]):
            source = (t + 1) * span - 1 - back
            out[t] += weight[:, -1 - back] * x[source] if source >= 0 else 0
    return out


def features(oracle: ImageOracle, video: np.ndarray, audio: np.ndarray, config: TaafConfig) -> list[np.ndarray]:
    pairs = (("video", video), ("audio", audio))
    branches = {name: branch(oracle, f"{name}.", x, config.stride) for name, x in pairs}
    return [aligned(oracle, f"{name}_alignment.", x, config.T) for name, x in branches.items()]


def step_scores(oracle: ImageOracle, video: np.ndarray, audio: np.ndarray, config: TaafConfig) -> np.ndarray:
    """(T, B, classes)."""
    seen, heard = features(oracle, video, audio, config)
    joint = np.concatenate((seen, heard), axis=2) if config.fusion == "concat" else seen + heard
    return joint @ oracle.state["classifier.weight"].T + oracle.state["classifier.bias"]


def importance(oracle: ImageOracle, prefix: str, x: np.ndarray) -> np.ndarray:
    """(T, B): one softmax per query, then the mean of what each key gets."""
    q, k = (x @ oracle.state[f"{prefix}.{name}.weight"].T for name in ("query", "key"))
    steps, batch, width = q.shape
    alpha = np.zeros((steps, batch))
    for b in range(batch):
        for s in range(steps):
            similarity = np.exp([q[s, b] @ k[t, b] / np.sqrt(width) for t in range(steps)])
            alpha[:, b] += similarity / similarity.sum() / steps
    return alpha
