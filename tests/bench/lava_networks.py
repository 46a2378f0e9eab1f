"""The networks of the Lava benchmark, through the compiler's own front end: plain torch and SpikingJelly modules, CMSF's parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from compile import compile_model
from compile.program import Program

STEPS, RATE = 32, 0.15
"""Steps per sample of the plain networks, and the share of active inputs; thresholds aim at as much."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Network:
    """A compiled network, its chip graph's input name, and what draws inputs (T, samples, *shape) for it."""

    program: Program
    entry: str
    draw: Callable[[int], Array]


def mlp() -> Network:
    """784-512-512-10."""
    torch.manual_seed(0)
    widths = (784, 512, 512, 10)
    linears = [nn.Linear(a, b, bias=False) for a, b in pairwise(widths)]
    return _plain(linears, (784,))


def conv() -> Network:
    """2 x 34 x 34, three convolutions to 16, 32 and 64 channels (kernel 3, stride 2), then 10."""
    torch.manual_seed(0)
    channels = (2, 16, 32, 64)
    layers: list[nn.Module] = [
        layer.Conv2d(a, b, 3, stride=2, bias=False, step_mode="m") for a, b in pairwise(channels)
    ]
    return _plain([*layers, nn.Linear(64 * 9, 10, bias=False)], (2, 34, 34))


def small_block() -> Network:
    """The image part of CMSF on digits: N = 12, D = 64, F = 256, T = 2, with its trained weights."""
    return _cmsf("digits", "image", "regions")


def paper_block() -> Network:
    """The image part of CMSF as published: N = 36, D = 1024, F = 4096, T = 2."""
    return _cmsf("paper", "image", "regions")


NETWORKS: dict[str, Callable[[], Network]] = {"block": small_block, "mlp": mlp, "conv": conv, "paper": paper_block}


def _plain(weighted: list[nn.Module], shape: tuple[int, ...]) -> Network:
    modules: list[nn.Module] = []
    spikes = _spikes(shape, 2)
    value = torch.from_numpy(spikes)
    for module in weighted:
        if isinstance(module, nn.Linear) and value.ndim > 3:
            modules.append(nn.Flatten(2))
            value = value.flatten(2)
        lif = neuron.LIFNode(step_mode="m")
        value = _calibrated(module, lif, value)
        modules += [module, lif]
    network = nn.Sequential(*modules)
    functional.reset_net(network)
    program = compile_model(network, target="loihi", example=spikes)
    entry = program.deployment.chip.inputs[0].name
    return Network(program, entry, lambda samples: _spikes(shape, samples))


def _calibrated(module: nn.Module, lif: neuron.LIFNode, value: torch.Tensor) -> torch.Tensor:
    """Scale the layer's weights until its neurons fire at RATE; returns their spikes."""
    low, high = 0.1, 100.0
    spikes = value
    weight = module.get_parameter("weight")
    first = weight.detach().clone()
    with torch.no_grad():
        for _ in range(12):
            middle = (low * high) ** 0.5
            weight.copy_(first * middle)
            functional.reset_net(lif)
            spikes = lif(module(value))
            low, high = (low, middle) if spikes.mean() > RATE else (middle, high)
    return spikes


def _spikes(shape: tuple[int, ...], samples: int) -> Array:
    return (np.random.default_rng(1).random((STEPS, samples, *shape)) < RATE).astype(np.float32)


def _cmsf(config: str, part: str, entry: str) -> Network:
    program = compile_model("models/cmsf.py", target="loihi", config=config, part=part)
    kind = program.inputs[entry]

    def draw(samples: int) -> Array:
        (payloads,) = program.chip_inputs(np.random.default_rng(1).normal(size=(samples, *kind.shape))).values()
        return payloads

    return Network(program, program.deployment.chip.inputs[0].name, draw)
