"""
Fused against stock emission at the size of the digits encoder: seconds per step of both, and their ratio, in one run.

    python tests/bench/lava_speed.py [samples]

The network is the chip part of spiking transformer blocks (N=12, D=64, F=256, 4 heads, T=2) as lowering leaves it: Q, K, V,
scores and gates in order A, projection, residual sums as duplicated projections, feed-forward layer. Start-up is left out by
taking the difference between a long and a short run.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from backends.lava.engine import LavaEngine
from ir.graph import Graph, GraphBuilder
from ir.ops import Expand, Gate, Graded, Input, Linear, Permute, Reshape, Sum, Synapse
from ir.ops.loihi import LoihiLif

TOKENS, WIDTH, HIDDEN, HEADS, STEPS, BLOCKS = 12, 64, 256, 4, 2, 2
ROUNDS = 3
RATE, DEVIATIONS, PAYLOAD_RMS = 0.15, 1.0, 43.0
"""Firing rate that thresholds aim at, in standard deviations of the current; size of the input payloads."""


def encoder(blocks: int, seed: int = 0) -> Graph:
    """The chip graph of `blocks` transformer blocks with random weights that fire at 10 to 20 %."""
    b, rng = GraphBuilder("encoder", STEPS), np.random.default_rng(seed)
    stream = [_layer(b, rng, [b.add(Input(f"graded<24>[{TOKENS}x{WIDTH}]"), name="x")], WIDTH, "embed")]
    for k in range(blocks):
        stream.append(_attention(b, rng, stream, f"block{k}.attn"))
        hidden = _layer(b, rng, stream, HIDDEN, f"block{k}.hidden")
        stream.append(_layer(b, rng, [hidden], WIDTH, f"block{k}.out"))
    return b.build({"y": stream[-1]})


def _layer(b: GraphBuilder, rng: np.random.Generator, sources: list[str], width: int, name: str) -> str:
    """One linear layer and its neurons; a residual sum of sources is one projection each, of the same weights."""
    shape = (width, b.type(sources[0]).shape[-1])
    weight = b.param(f"{name}.w", rng.integers(-64, 64, shape).astype(np.int8))
    bias = b.param(f"{name}.b", rng.integers(-40, 40, (width,)).astype(np.int32) * 64)
    active = RATE * shape[1] * len(sources) * (PAYLOAD_RMS**2 / RATE if "embed" in name else 1)
    vth = int(DEVIATIONS * 37 * active**0.5)  # 37: root mean square of the weights
    currents = [b.add(Linear(), source, name=f"{name}.linear", params={"weight": weight}) for source in sources]
    return b.add(_lif(vth), *currents, name=name, params={"bias": bias})


def _attention(b: GraphBuilder, rng: np.random.Generator, stream: list[str], name: str) -> str:
    """(Q K^T) V on spikes: AND per pair and channel, integer scores, gates opened by V, neurons; then the projection."""
    depth, grid = WIDTH // HEADS, (HEADS, TOKENS, TOKENS, WIDTH // HEADS)
    wide: dict[str, str] = {}
    for role, shape in (
        ("q", (HEADS, TOKENS, 1, depth)),
        ("k", (HEADS, 1, TOKENS, depth)),
        ("v", (HEADS, 1, TOKENS, depth)),
    ):
        spikes = _layer(b, rng, stream, WIDTH, f"{name}.{role}")
        heads = b.add(Permute((1, 0, 2)), b.add(Reshape((TOKENS, HEADS, depth)), spikes, name="split"), name="heads")
        wires = b.add(Expand(grid), b.add(Reshape(shape), heads, name="grid"), name="wires")
        wide[role] = b.add(Synapse(1), wires, name=f"{name}.{role}.synapse")
    met = b.add(_memoryless(2), wide["q"], wide["k"], name=f"{name}.and")
    score = b.add(Graded(8), b.add(Sum((3,)), met, name=f"{name}.sum"), name=f"{name}.score")
    payload = b.add(Synapse(1), b.add(Expand(grid), score, name="pay"), name=f"{name}.payload")
    gated = b.add(Gate(8), payload, wide["v"], name=f"{name}.gate")
    mixed = b.add(Reshape((HEADS, TOKENS, depth)), b.add(Sum((2,)), gated, name=f"{name}.mix"), name="mixed")
    joined = b.add(Reshape((TOKENS, WIDTH)), b.add(Permute((1, 0, 2)), mixed, name="back"), name="joined")
    return _layer(b, rng, [b.add(_lif(2), joined, name=f"{name}.lif")], WIDTH, f"{name}.proj")


def _lif(vth: int) -> LoihiLif:
    return LoihiLif(4095, 2048, vth, 6, 12, 24)


def _memoryless(at_least: int) -> LoihiLif:
    return LoihiLif(4095, 4096, at_least - 1, 6, 12, 24)


def ms_per_step(engine: LavaEngine, inputs: np.ndarray) -> float:
    """Milliseconds per hardware step, the median of rounds; start-up cancels between a long and a short run."""
    short, rounds = inputs[:, :2], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        engine.run({"x": short})
        middle = time.perf_counter()
        engine.run({"x": inputs})
        rounds.append((time.perf_counter() - middle) - (middle - begin))
    return 1000 * float(np.median(rounds)) / (STEPS * (inputs.shape[1] - short.shape[1]))


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    chip = encoder(BLOCKS)
    inputs = np.random.default_rng(1).integers(-75, 75, (STEPS, samples, TOKENS, WIDTH))
    fused, stock = LavaEngine(chip), LavaEngine(chip, "stock")
    few = {"x": inputs[:, :3]}
    names = tuple(node.name for node in chip.nodes.values() if node.op.family == "neuron")
    one, other = fused.run(few, names), stock.run(few, names)
    differing = sum(int((one.spikes[name] != other.spikes[name]).sum()) for name in names)
    active = {name: f"{np.mean(one.spikes[name] != 0):.0%}" for name in names}
    print(f"{len(names)} populations, {differing} differing values; active {active}")
    slow, fast = ms_per_step(stock, inputs), ms_per_step(fused, inputs)
    print(f"stock {slow:.2f} ms/step, fused {fast:.2f} ms/step: {slow / fast:.1f}x")


if __name__ == "__main__":
    main()
