"""What a network has, counted in one forward: neurons, and synapses of its linear layers, per sample and step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn


def neurons(net: nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, int]:
    """LIF neurons by module path; inputs (T, 1, ...)."""
    return _measure(net, inputs, (LIFNode,), lambda _module, _args, out: out[0].numel())


def dense_operations(net: nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, int]:
    """Synapses of convolutions and linear layers by module path, none of them on padding; one step's images or tokens."""
    return _measure(net, inputs, (nn.Conv1d, nn.Conv2d, nn.Linear), _synapses)


def _synapses(layer: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> int:
    """Weights that meet an input, over all outputs: per axis, taps inside of the image."""
    if isinstance(layer, nn.Linear):
        return out[0].numel() // layer.out_features * layer.weight.numel()
    assert isinstance(layer, nn.Conv1d | nn.Conv2d)
    pairs = layer.weight.shape[0] * layer.weight.shape[1]
    for axis, kernel in enumerate(layer.weight.shape[2:]):
        size, outputs = args[0].shape[2 + axis], out.shape[2 + axis]
        padding, stride = int(layer.padding[axis]), layer.stride[axis]
        pairs *= sum(0 <= o * stride - padding + tap < size for o in range(outputs) for tap in range(kernel))
    return pairs


def _measure(
    net: nn.Module,
    inputs: dict[str, torch.Tensor],
    kinds: tuple[type[nn.Module], ...],
    count: Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], int],
) -> dict[str, int]:
    counts = dict[str, int]()

    def record(path: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
        return lambda module, args, out: counts.update({path: count(module, args, out)})

    hooks = [m.register_forward_hook(record(path)) for path, m in net.named_modules() if isinstance(m, kinds)]
    with torch.no_grad():
        net(**inputs)
    for hook in hooks:
        hook.remove()
    return counts
