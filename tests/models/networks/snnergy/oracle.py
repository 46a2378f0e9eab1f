"""SNNergy as a numpy replay from its equations, on top of the replay of its layers."""

from __future__ import annotations

import numpy as np

from models.networks.snnergy.config import InputSize, SnnergyConfig
from tests.models.layers.image_oracle import ImageOracle, flat

SMALL = SnnergyConfig(
    width=8,
    heads=2,
    classes=3,
    video=InputSize(2, 16, 16, stem_stride=1),
    audio=InputSize(1, 32, 8, stem_stride=1),
    T=4,
)
"""Every mean is over a power of two, so that nothing is rounded."""


def cross_modal(oracle: ImageOracle, prefix: str, x: np.ndarray, y: np.ndarray, config: SnnergyConfig) -> np.ndarray:
    """`alpha F` of one direction, images in and out; loops over steps and tokens where the equations pool."""
    own, other, heads, theta = flat(x), flat(y), config.heads, config.mask_threshold
    steps, _, _, tokens = own.shape
    if config.fusion in ("token", "channel"):
        masked = oracle.masked_keys(prefix, own, other, heads, 0.5, ["token", "channel"].index(config.fusion))
        return oracle.layer(f"{prefix}proj", masked).reshape(x.shape)
    alpha = float(oracle.state[f"{prefix}alpha"])
    if config.fusion == "gate":
        temporal = oracle.mask(f"{prefix}temporal.", own, heads, theta)
        return (alpha * temporal * oracle.masked_keys(f"{prefix}spatial.", own, other, heads, theta)).reshape(x.shape)
    paths = _paths(oracle, prefix, own, other, config)
    fused = np.zeros_like(own)
    for t in range(steps):
        by_token = sum(paths[0][t, :, :, k] for k in range(tokens)) / tokens if config.fusion != "temporal" else 1.0
        span = t + 1 if config.fusion == "causal-mean" else steps
        for n in range(tokens):
            by_time = sum(paths[1][k, :, :, n] for k in range(span)) / span if config.fusion != "spatial" else 1.0
            fused[t, :, :, n] = by_token * by_time
    if config.fusion == "spikefuse":
        fused = oracle.neuron(oracle.norm(f"{prefix}fuse_bn", fused))
    return (alpha * fused).reshape(x.shape)


def _paths(
    oracle: ImageOracle, prefix: str, own: np.ndarray, other: np.ndarray, config: SnnergyConfig
) -> list[np.ndarray]:
    if config.fusion == "s-cmrl":
        spatial = oracle.attention(f"{prefix}spatial_attn.", own, other, config.heads, 8.0)
        return [spatial, oracle.temporal_attention(f"{prefix}temporal_attn.", own, other, config.heads, 8.0)]
    if config.fusion == "over-tokens":
        heads, theta = config.heads, config.mask_threshold
        swapped = oracle.masked_keys(
            f"{prefix}temporal.", own.transpose(3, 1, 2, 0), other.transpose(3, 1, 2, 0), heads, theta
        )
        return [oracle.masked_keys(f"{prefix}spatial.", own, other, heads, theta), swapped.transpose(3, 1, 2, 0)]
    names = [name for name in ("spatial", "temporal") if f"{prefix}{name}.q_conv.weight" in oracle.state]
    masked = [oracle.masked_keys(f"{prefix}{n}.", own, other, config.heads, config.mask_threshold) for n in names]
    return masked if len(masked) == 2 else masked * 2


def block(oracle: ImageOracle, prefix: str, x: np.ndarray, y: np.ndarray, config: SnnergyConfig) -> np.ndarray:
    if f"{prefix}ssa.q_conv.weight" in oracle.state:
        x = x + oracle.attention(f"{prefix}ssa.", flat(x), flat(y), config.heads, 8.0).reshape(x.shape)
    else:
        x = x + cross_modal(oracle, f"{prefix}tssa.", x, y, config)
    return x + oracle.mlp(f"{prefix}mlp.", x)


def network(oracle: ImageOracle, video: np.ndarray, audio: np.ndarray, config: SnnergyConfig) -> np.ndarray:
    """Class scores (B, classes)."""
    streams = {"video": video, "audio": audio}
    for stage in (1, 2, 3):
        for name, x in streams.items():
            prefix, size = f"{name}.patch_embed{stage}.", config.video if name == "video" else config.audio
            first = stage == 1
            streams[name] = (
                oracle.stem(prefix, x, config.pool, size.stem_stride)
                if first
                else oracle.downsampling(prefix, x, config.pool)
            )
            if config.sum_neuron:
                streams[name] = oracle.neuron(streams[name])
        for index in range(config.depths[stage - 1]):
            seen = dict(streams)
            for name, other in (("video", "audio"), ("audio", "video")):
                source = name if config.fusion in ("token", "channel") and stage < 3 else other
                streams[name] = block(oracle, f"{name}.stage{stage}.{index}.", seen[name], seen[source], config)
    pooled = np.concatenate([flat(x).mean(axis=3) for x in streams.values()], axis=2).mean(axis=0)
    return pooled @ oracle.state["head.weight"].T + oracle.state["head.bias"]
