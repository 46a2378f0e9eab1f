"""
Neurons, synapses and duplicates of a stream-of-currents network, counted with hooks from one forward.

A synapse is a weight that reaches a neuron, so that taps beyond an image's border are none; the product of attention counts both of
its matrix products over all channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn


@dataclass
class Count:
    """Per time step and sample."""

    neurons: int = 0
    projections: dict[str, int] = field(default_factory=dict[str, int])
    """Synapses of each convolution, by module path, in the order of the forward."""
    attention: int = 0

    @property
    def synapses(self) -> int:
        return sum(self.projections.values()) + self.attention

    @property
    def residual_duplicates(self) -> int:
        """
        Synapses of earlier branches that neurons on the stream need once more.

        Each of them takes every branch so far; only the last one is its own.
        """
        branches = [
            n for path, n in self.projections.items() if path.endswith(("block4_conv", "proj_conv", "mlp2_conv"))
        ]
        return sum(sum(branches[:place]) for place in range(1, len(branches) - 1))


def count(network: nn.Module, inputs: dict[str, torch.Tensor], steps: int) -> Count:
    """Count one sample."""
    result = Count()

    def of_neurons(_: nn.Module, __: object, spikes: torch.Tensor) -> None:
        result.neurons += spikes.numel() // steps

    def of_weights(path: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], None]:
        def hook(conv: nn.Module, _: tuple[torch.Tensor], out: torch.Tensor) -> None:
            assert isinstance(conv, (nn.Conv1d, nn.Conv2d))
            taps = 1
            for size, kernel in zip(out.shape[2:], conv.kernel_size, strict=True):
                taps *= kernel * size - 2 * sum(range(kernel // 2 + 1))
            result.projections[path] = taps * conv.in_channels * conv.out_channels

        return hook

    def of_attention(_: nn.Module, args: tuple[torch.Tensor]) -> None:
        stream = args[0]
        tokens = stream.shape[3] * stream.shape[4]
        result.attention += 2 * tokens**2 * stream.shape[2]

    hooks = [m.register_forward_hook(of_neurons) for m in network.modules() if isinstance(m, LIFNode)]
    for path, module in network.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            hooks.append(module.register_forward_hook(of_weights(path)))
        if path.endswith(".attn"):
            hooks.append(module.register_forward_pre_hook(of_attention))
    with torch.no_grad():
        network(**inputs)
    for hook in hooks:
        hook.remove()
    return result
