"""The chip parts of the networks with another package's neurons: plain products of whole windows, nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from spikingjelly.activation_based.layer import Conv2d
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn
from torch.nn import functional

from tests.bench.peers import MakeNeurons

SIZES = ("q", "k", "v", "proj")


def chain_with(make: MakeNeurons, modules: Sequence[nn.Module]) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same layers, every LIF replaced."""
    layers = [make(module.v_threshold) if isinstance(module, LIFNode) else _whole_window(module) for module in modules]

    def run(x: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return run


def _whole_window(module: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """A convolution over all steps at once, without SpikingJelly's checks; other modules take (T, B, ...) as they are."""
    if not isinstance(module, Conv2d):
        return module
    weight, stride = module.weight, module.stride
    return lambda x: functional.conv2d(x.flatten(0, 1), weight, stride=stride).unflatten(0, x.shape[:2])


def encoder_with(make: MakeNeurons, width: int, hidden: int, heads: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """CMSF's encoder block behind its coder, batch norms folded; random weights, since floats take the same time for all."""
    sizes = {name: (width, width) for name in SIZES} | {"hidden": (width, 2 * hidden), "out": (hidden, width)}
    linear = {name: nn.Linear(*size) for name, size in sizes.items()}
    neurons = {name: make(1.0) for name in ("code", "hidden", *SIZES, "out")}
    attention = make(0.5)

    def split(spikes: torch.Tensor) -> torch.Tensor:
        return spikes.unflatten(-1, (heads, -1)).transpose(-2, -3)

    def run(x: torch.Tensor) -> torch.Tensor:
        """(T, B, tokens, width) real values -> counts."""
        spikes = neurons["code"](x)
        q, k, v = (split(neurons[name](linear[name](spikes))) for name in ("q", "k", "v"))
        mixed = (q @ k.transpose(-1, -2)) @ v * 0.125
        mixed = attention(mixed.transpose(-2, -3).flatten(-2))
        stream = spikes + neurons["proj"](linear["proj"](mixed))
        value, gate = linear["hidden"](stream).chunk(2, dim=-1)
        return stream + neurons["out"](linear["out"](gate * neurons["hidden"](value.contiguous())))

    return run
