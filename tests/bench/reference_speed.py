"""
The reference engine against SpikingJelly on the CMSF image encoder at the published size: ratios, in one process, one thread.

    python tests/bench/reference_speed.py [samples per batch] [rounds]

Four candidates take turns, round by round; printed are medians, and medians of the rounds' ratios. The engine computes the
chip's integers and counts every event. SpikingJelly runs the model as written, and once more with its batch norms folded into
the weights and no host part, which is the least that a float simulation of the chip part has to do. The matrix products alone,
in float32, are the floor of both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional

import hw_profiles
from compile.build import build_part
from compile.built import Build
from compile.options import Options
from compile.progress import Progress
from compile.source import load_source
from models.cmsf_neuron import lif

HEADS = 8


def build_encoder() -> tuple[Build, torch.nn.Module]:
    """The image encoder of `paper`, compiled for the reference, and the torch module it comes from."""
    options = Options(target="gpu", config="paper", part="image")
    source = load_source("models/cmsf.py", options)
    part = source.parts[0]
    return build_part(part, source, options, hw_profiles.load(options.profile), Progress(quiet=True)), part.network


class FoldedEncoder(torch.nn.Module):
    """The chip part with folded batch norms, as SpikingJelly neurons between plain products of one batch."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        sizes = {name: (width, width) for name in ("q", "k", "v", "proj")}
        sizes |= {"hidden": (width, 2 * hidden), "out": (hidden, width)}
        self.layers = torch.nn.ModuleDict({name: torch.nn.Linear(*size) for name, size in sizes.items()})
        self.neurons = torch.nn.ModuleDict({name: lif() for name in ("code", "q", "k", "v", "proj", "hidden", "out")})
        self.attention = lif(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, tokens, width) real values -> counts."""
        spikes = self.neurons["code"](x)
        q, k, v = (self._heads(self.neurons[name](self.layers[name](spikes))) for name in ("q", "k", "v"))
        mixed = (q @ k.transpose(-1, -2)) @ v * 0.125
        mixed = self.attention(mixed.transpose(-2, -3).reshape(spikes.shape))
        stream = spikes + self.neurons["proj"](self.layers["proj"](mixed))
        value, gate = self.layers["hidden"](stream).chunk(2, dim=-1)
        return stream + self.neurons["out"](self.layers["out"](gate * self.neurons["hidden"](value.contiguous())))

    def _heads(self, spikes: torch.Tensor) -> torch.Tensor:
        return spikes.reshape(*spikes.shape[:-1], HEADS, -1).transpose(-2, -3)


def products(encoder: FoldedEncoder, rows: int) -> Callable[[], None]:
    """The six dense products of the chip part alone."""
    weights = [layer.weight.detach() for layer in encoder.layers.values()]
    operands = {size: torch.rand(rows, size) for size in {weight.shape[1] for weight in weights}}

    def run() -> None:
        for weight in weights:
            operands[weight.shape[1]] @ weight.T

    return run


def medians(candidates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Candidate -> seconds of every round; one round runs each of them once."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            if turn:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    torch.set_num_threads(1)
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    build, module = build_encoder()
    engine, chip = build.program.engine, build.program.deployment.chip
    kind = build.program.inputs["regions"]
    regions = np.random.default_rng(0).normal(size=(samples, *kind.shape)).astype(np.float32)
    fed = build.program.chip_inputs(regions)
    entry = chip.inputs[0]
    real = torch.from_numpy(fed[entry.name].astype(np.float32) * np.float32(entry.type.scale))
    width = entry.type.shape[-1]
    folded = FoldedEncoder(width, 4 * width).eval()

    def fold_run() -> None:
        functional.reset_net(folded)
        folded(real)

    candidates = {
        "reference engine, integers and events": lambda: engine.run(fed),
        "SpikingJelly, model as written": lambda: module(torch.from_numpy(regions)),
        "SpikingJelly, batch norms folded, chip part": fold_run,
        "the six float32 products alone": products(folded, real[..., 0].numel()),
    }
    module.eval()
    with torch.no_grad():
        seconds = medians(candidates, rounds)
    first = next(iter(seconds))
    for name, own in seconds.items():
        ratio = median(b / a for a, b in zip(seconds[first], own, strict=True))
        print(f"{name:45s} {1e3 * median(own) / samples:8.2f} ms/sample  x{ratio:.2f}")
    rates = {
        name: count / (2 * samples * chip.nodes[name].type.size)
        for name, count in engine.run(fed).events.spikes.items()
    }
    print("active:", {name: f"{rate:.0%}" for name, rate in rates.items() if name.endswith("_lif")})


if __name__ == "__main__":
    main()
