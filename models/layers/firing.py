"""
Random weights with which neurons fire like trained ones: layers are set one after another, in the order of a forward.

Norms take the statistics of their inputs. What feeds a population (the norm before it, or the linear layer where there is none)
then gets the bias at which the population fires at the wanted rate; attention neurons follow from their inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from spikingjelly.activation_based.neuron import BaseNode
from torch import nn

TARGET_RATE = 0.15
BISECTIONS = 12
SAMPLE = 20_000
"""Neurons of a layer that are looked at."""
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@torch.no_grad()
def set_firing_rates(part: nn.Module, inputs: dict[str, torch.Tensor], rate: float = TARGET_RATE) -> None:
    """Set norms and linear layers of `part` so that its neurons fire at about `rate` (spikes per step) on `inputs`."""
    feeders: list[nn.Module] = []
    rng = torch.Generator().manual_seed(0)

    def standardise(layer: nn.Module, args: tuple[torch.Tensor]) -> None:
        feeders[:] = [layer]
        if isinstance(layer, nn.Linear):
            layer.weight.div_(layer.forward(args[0]).std().clamp_min(1e-3))
        else:
            _standardise_norm(layer, args[0], rng)

    def wake(neuron: nn.Module, args: tuple[torch.Tensor]) -> None:
        assert isinstance(neuron, BaseNode)
        if not feeders:
            return
        offset = _offset_for_rate(neuron, args[0], rate)
        bias = feeders.pop().bias
        assert isinstance(bias, torch.Tensor)
        bias.add_(offset)
        args[0].add_(offset)  # in place: where the current is a residual stream, later layers see it with its new bias

    hooks = [m.register_forward_pre_hook(standardise) for m in part.modules() if isinstance(m, (*NORMS, nn.Linear))]
    hooks += [m.register_forward_pre_hook(wake) for m in part.modules() if isinstance(m, BaseNode)]
    part(**inputs)
    for hook in hooks:
        hook.remove()


def _standardise_norm(norm: nn.Module, x: torch.Tensor, rng: torch.Generator) -> None:
    """Statistics of `x`, and channels that differ: their means have the deviation 1, as a channel's currents have."""
    assert isinstance(norm, NORMS)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    x = x.flatten(0, 1) if getattr(norm, "step_mode", "s") == "m" else x
    others = [axis for axis in range(x.ndim) if axis != 1]
    norm.running_mean.copy_(x.mean(dim=others))
    norm.running_var.copy_(x.var(dim=others, unbiased=False).clamp_min(1e-6))
    norm.bias.copy_(torch.randn(norm.num_features, generator=rng))


def _offset_for_rate(neuron: BaseNode, current: torch.Tensor, target: float) -> float:
    """The constant to add to `current` (T, B, ...) so that the neurons fire on target, by bisection on some of them."""
    current = current.flatten(1)
    current = current[:, :: max(1, current.shape[1] // SAMPLE)]
    low, high = -64.0, 64.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        neuron.reset()
        rate = float(neuron.forward(current + middle).mean())
        low, high = (middle, high) if rate < target else (low, middle)
    neuron.reset()
    return (low + high) / 2


def firing_rates(part: nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, float]:
    """Mean spikes per neuron and step of every neuron layer of `part`, by module path."""
    rates: dict[str, float] = {}

    def record(path: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _args, spikes: rates.update({path: float(spikes.mean())})

    modules: dict[str, nn.Module] = dict(part.named_modules())  # pyright: ignore[reportUnknownArgumentType]
    hooks = [m.register_forward_hook(record(path)) for path, m in modules.items() if isinstance(m, BaseNode)]
    with torch.no_grad():
        part(**inputs)
    for hook in hooks:
        hook.remove()
    return rates
