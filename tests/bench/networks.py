"""The networks of all tables, compiled from SpikingJelly modules: CMSF's image part in two sizes, an MLP, a convolutional net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from compile import compile_model
from compile.stages.program import Program
from models import cmsf
from models.data.digits import load_split
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features, set_firing_rates
from models.training.model_page import WEIGHTS_DIR
from tests.bench.chip_parts import chain_with, encoder_with
from tests.bench.peers import MakeNeurons

RATE = 0.15
"""Share of active inputs of the plain networks; their weights are scaled until every layer fires as often."""
Array = np.ndarray[Any, Any]
ChipPart = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Network:
    """
    A network for every engine.

    program: compiled for the reference. source: the SpikingJelly module that it was compiled from. draw: samples -> inputs of
    both. chip_part: another package's neurons -> the chip part of the network with them, norms folded; of real payloads.
    as_written: whether the source does more than its chip part (norms, host parts).
    """

    program: Program
    source: nn.Module
    draw: Callable[[int], Array]
    chip_part: Callable[[MakeNeurons], ChipPart]
    as_written: bool

    def tensors(self, samples: int) -> dict[str, torch.Tensor]:
        """Inputs of `source`."""
        return {next(iter(self.program.inputs)): torch.from_numpy(self.draw(samples))}

    def chip_inputs(self, samples: int) -> dict[str, Array]:
        """The payloads that the chip gets, (T, samples, *shape)."""
        return self.program.chip_inputs(self.draw(samples))

    def currents(self, samples: int) -> torch.Tensor:
        """The same in real numbers, for `chip_part`."""
        (entry,) = self.program.deployment.chip.inputs
        return torch.from_numpy(self.chip_inputs(samples)[entry.name].astype(np.float32) * np.float32(entry.type.scale))


def mlp(widths: tuple[int, ...] = (784, 512, 512, 10), steps: int = 32) -> Network:
    """Linear layers and LIF neurons in turn."""
    torch.manual_seed(0)
    return _chain([nn.Linear(a, b, bias=False) for a, b in pairwise(widths)], widths[:1], steps)


def conv() -> Network:
    """2 x 34 x 34, three convolutions to 16, 32 and 64 channels (kernel 3, stride 2), then 10; T = 32."""
    torch.manual_seed(0)
    channels = (2, 16, 32, 64)
    layers: list[nn.Module] = [
        layer.Conv2d(a, b, 3, stride=2, bias=False, step_mode="m") for a, b in pairwise(channels)
    ]
    return _chain([*layers, nn.Linear(64 * 9, 10, bias=False)], (2, 34, 34), 32)


def small_block() -> Network:
    """The image part of CMSF on digits: N = 12, D = 64, F = 256, T = 2, with its trained weights and real scenes."""
    parts = cmsf.build("digits")
    cmsf.load_weights(parts, WEIGHTS_DIR / "cmsf-digits.pt")
    regions = load_split("test").regions.astype(np.float32)
    return _encoder(cmsf.CONFIGS["digits"], parts["image"], lambda samples: regions[:samples])


def paper_block() -> Network:
    """The image part of CMSF as published: N = 36, D = 1024, F = 4096, T = 2."""
    return block(cmsf.CONFIGS["paper"])


def block(config: CmsfConfig) -> Network:
    """The image part of any CMSF configuration, random weights that fire as trained ones do."""
    part = initial_parts(config, cmsf.SEED)["image"]
    set_firing_rates(part, random_features(config, 2, cmsf.SEED)["image"])
    return _encoder(config, part, lambda samples: random_features(config, samples, 0)["image"]["regions"].numpy())


NETWORKS: dict[str, Callable[[], Network]] = {
    "CMSF block, N=12 D=64": lru_cache(small_block),
    "CMSF block, N=36 D=1024": lru_cache(paper_block),
    "MLP 784-512-512-10": lru_cache(mlp),
    "conv 2x34x34": lru_cache(conv),
}
"""Name -> what builds it, once."""


def _encoder(config: CmsfConfig, part: nn.Module, draw: Callable[[int], Array]) -> Network:
    example = {"regions": torch.from_numpy(draw(8))}
    program = compile_model(part, target="gpu", example=example, static=("regions",), steps=config.T)
    return Network(program, part, draw, lambda make: encoder_with(make, config.D, config.F, config.heads), True)


def _chain(weighted: list[nn.Module], shape: tuple[int, ...], steps: int) -> Network:
    def draw(samples: int) -> Array:
        return (np.random.default_rng(1).random((steps, samples, *shape)) < RATE).astype(np.float32)

    modules: list[nn.Module] = []
    value = torch.from_numpy(draw(2))
    for module in weighted:
        if isinstance(module, nn.Linear) and value.ndim > 3:
            modules.append(nn.Flatten(2))
            value = value.flatten(2)
        lif = neuron.LIFNode(step_mode="m")
        value = _calibrated(module, lif, value)
        modules += [module, lif]
    source = nn.Sequential(*modules)
    functional.reset_net(source)
    program = compile_model(source, target="gpu", example=draw(2))
    return Network(program, source, draw, lambda make: chain_with(make, modules), False)


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
