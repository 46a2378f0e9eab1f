"""
The `fused` emission against stock Lava on four networks: milliseconds per sample, and ratios, in one run.

    PYTHONPATH=. python tests/bench/lava_speed.py [networks, of: block, mlp, conv, paper]

Candidates take turns, round by round: `fused` one sample at a time and several side by side, `stock` (one or more of Lava's
processes per population, as this compiler emits them), and, for plain chains of layers, Lava's Dense or Conv and LIFReset
processes as a user connects them, one of each per layer. All of them compute the same spikes, which is checked first. The
clock runs while steps run; building and starting processes is left out.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from lava_by_hand import ByHand, is_chain
from lava_networks import NETWORKS, Network

from backends.lava import safe_run
from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine

Array = np.ndarray[Any, Any]
_WATCH: Callable[..., None] = safe_run._watch
ROUNDS = 5
SAMPLES: Mapping[str, Mapping[str, int]] = {
    "block": {"fused": 100, "side by side": 640, "stock": 10},
    "mlp": {"fused": 4, "side by side": 256, "stock": 4, "by hand": 2},
    "conv": {"fused": 4, "side by side": 128, "stock": 1, "by hand": 1},
    "paper": {"fused": 1, "side by side": 8},
}
"""Samples of one run, so that every candidate takes a second or less."""


def candidates(name: str, net: Network) -> dict[str, Callable[[], float]]:
    """What is compared -> how many milliseconds per sample it takes."""
    chip, samples = net.program.deployment.chip, SAMPLES[name]
    engines = {"fused": LavaEngine(chip, lanes=1), "side by side": LavaEngine(chip), "stock": LavaEngine(chip, "stock")}

    def timed(engine: LavaEngine, count: int) -> float:
        return 1e3 * seconds_of_steps(engine, {net.entry: net.draw(count)}) / count

    found = {key: lambda k=key: timed(engines[k], samples[k]) for key in engines if key in samples}
    if is_chain(chip):
        count, steps = samples["by hand"], chip.steps
        found["by hand"] = lambda: 1e3 * steps * ByHand(chip, net.draw(count)).run()[0]
    return found


def seconds_of_steps(engine: LavaEngine, inputs: Mapping[str, Array]) -> float:
    """How long a run's steps take, without building and starting its processes."""
    spent: list[float] = []

    def clocked(*args: Any) -> None:
        begin = time.perf_counter()
        _WATCH(*args)
        spent.append(time.perf_counter() - begin)

    with patch.object(safe_run, "_watch", clocked):
        engine.run(inputs)
    return spent[0]


def differing(name: str, net: Network) -> int:
    """Values in which any candidate differs from the reference, over every population where it can be asked."""
    chip = net.program.deployment.chip
    inputs, (output,) = {net.entry: net.draw(3)}, chip.outputs
    names = tuple(node.name for node in chip.nodes.values() if node.op.family == "neuron")
    wanted = ReferenceEngine(chip, "cpu").run(inputs, names)
    engines = [LavaEngine(chip, lanes=1), LavaEngine(chip), LavaEngine(chip, lanes=2)]
    engines += [LavaEngine(chip, "stock")] if "stock" in SAMPLES[name] else []
    runs = [engine.run(inputs, names) for engine in engines]
    count = sum(int((run.spikes[key] != wanted.spikes[key]).sum()) for run in runs for key in names)
    if is_chain(chip):
        _, spikes = ByHand(chip, inputs[net.entry]).run()
        count += int((spikes != wanted.outputs[output]).sum())
    return count


def measure(name: str) -> None:
    """Print the table of one network."""
    net = NETWORKS[name]()
    print(f"{name}: {differing(name, net)} differing values", flush=True)
    rounds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for key, run in candidates(name, net).items():
            rounds.setdefault(key, []).append(run())
    for key, own in rounds.items():
        ratios = {other: median(b / a for a, b in zip(own, rounds[other], strict=True)) for other in rounds}
        against = ", ".join(f"{ratio:.2f} x {other}" for other, ratio in ratios.items() if other != key)
        print(f"  {key:13s} {median(own):9.3f} ms/sample, speed {against}", flush=True)


def main() -> None:
    for name in sys.argv[1:] or NETWORKS:
        measure(name)


if __name__ == "__main__":
    main()
