"""
Random weights under which no layer is silent: the module runs once, layer by layer, and what feeds a population is scaled.

Batch norms take the statistics of what they see. Then the weights before each population are multiplied by the factor at
which it fires at `RATE`; populations that only residual sums or products feed are left as they come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from frontend.neuron_rules.table import neuron_rule

RATE = 0.2
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)
HOMOGENEOUS = (nn.MaxPool2d, nn.AvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
"""Modules through which a factor of the weights passes unchanged."""
BISECTIONS = 14


@torch.no_grad()
def awake(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], *own: type[nn.Module], rate: float = RATE
) -> nn.Module:
    """
    Scale the weights of `module` in place, and return it in eval mode.

    Args:
        inputs: of its forward, by name.
        own: classes of neurons that the network wrote itself.
        rate: of nonzero outputs, per neuron and step.
    """
    torch.manual_seed(1)
    neurons = [each for each in module.eval().modules() if neuron_rule(each) is not None or isinstance(each, own or ())]
    for norm in (each for each in module.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)):
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.uniform_(norm.bias, -0.2, 0.2)
    counting = _Pass(neurons, [], rate)
    counting.run(module, inputs)
    if max(map(len, counting.calls.values()), default=0) <= 1:
        _Pass(neurons, neurons, rate).run(module, inputs)
    else:  # a step per call: the factor is known when the last step has come
        for neuron in counting.calls:
            _scale_one(module, inputs, neurons, neuron, rate)
    return module


def rates(module: nn.Module, inputs: Mapping[str, torch.Tensor], *own: type[nn.Module]) -> list[float]:
    """The share of nonzero outputs of every population, in the order of `modules()`."""
    neurons = [each for each in module.modules() if neuron_rule(each) is not None or isinstance(each, own or ())]
    fired: dict[nn.Module, list[float]] = {each: [] for each in neurons}
    handles = [
        each.register_forward_hook(lambda m, _, out: fired[m].append(float((_first(out) != 0).float().mean())))
        for each in neurons
    ]
    with torch.no_grad():
        reset(module)
        module(**inputs)
        reset(module)
    for handle in handles:
        handle.remove()
    return [sum(values) / len(values) for values in fired.values() if values]


def _scale_one(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], neurons: list[nn.Module], neuron: nn.Module, rate: float
) -> None:
    watched = _Pass(neurons, [], rate)
    watched.run(module, inputs)
    if watched.feeders[neuron] is not None:
        _multiply(watched.feeders[neuron], _factor(neuron, watched.calls[neuron], rate))


class _Pass:
    """One run of a module under watch."""

    def __init__(self, neurons: list[nn.Module], scaled: list[nn.Module], rate: float) -> None:
        self.neurons, self.scaled, self.rate = set(neurons), set(scaled), rate
        self.calls: dict[nn.Module, list[tuple[Any, ...]]] = {}
        self.feeders: dict[nn.Module, nn.Module | None] = {}
        self._feeder: nn.Module | None = None
        self._value: torch.Tensor | None = None

    def run(self, module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> None:
        """Run the module from a fresh state, and leave it with one."""
        with self._hooks(module):
            reset(module)
            module(**inputs)
            reset(module)

    @contextmanager
    def _hooks(self, module: nn.Module) -> Iterator[None]:
        leaves = [each for each in module.modules() if isinstance(each, WEIGHTED + HOMOGENEOUS)]
        handles = [each.register_forward_pre_hook(self._at_norm) for each in leaves]
        handles += [each.register_forward_hook(self._after) for each in leaves]
        handles += [each.register_forward_pre_hook(self._at_neuron) for each in self.neurons]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _at_norm(self, module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            x = args[0].flatten(0, 1) if getattr(module, "step_mode", "s") == "m" else args[0]
            x = x.transpose(0, 1).flatten(1)
            module.running_mean.copy_(x.mean(1))
            module.running_var.copy_(x.var(1).clamp(min=1e-3))

    def _after(self, module: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        follows = self._value is not None and _same(args[0], self._value)
        if isinstance(module, WEIGHTED):
            self._feeder, self._value = module, out
        elif follows:
            self._value = out

    def _at_neuron(self, neuron: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        self.calls.setdefault(neuron, []).append(args)
        fed = self._value is not None and _same(args[0], self._value)
        self.feeders.setdefault(neuron, self._feeder if fed else None)
        if neuron not in self.scaled or self.feeders[neuron] is None:
            return None
        factor = _factor(neuron, [args], self.rate)
        _multiply(self.feeders[neuron], factor)
        return (args[0] * factor, *args[1:])


def _factor(neuron: nn.Module, calls: list[tuple[Any, ...]], rate: float) -> float:
    """The factor of its inputs at which a neuron fires at `rate`."""
    low, high = 1 / 64, 64.0
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _rate(neuron, calls, middle) < rate else (low, middle)
    return (low * high) ** 0.5


def _rate(neuron: nn.Module, calls: list[tuple[Any, ...]], factor: float) -> float:
    rest, fired = calls[0][1:], list[torch.Tensor]()
    reset(neuron)
    for args in calls:
        out = neuron.forward(args[0] * factor, *rest)  # hooks are for the network's own calls
        rest = out[1:] if isinstance(out, tuple) else rest
        fired.append((_first(out) != 0).float().mean())
    reset(neuron)
    return float(torch.stack(fired).mean())


def _multiply(module: nn.Module | None, factor: float) -> None:
    for parameter in (getattr(module, "weight", None), getattr(module, "bias", None)):
        if parameter is not None:
            parameter.mul_(factor)


def _first(out: Any) -> torch.Tensor:
    return out[0] if isinstance(out, tuple) else out


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same values in any order, by their number, sum and sum of squares."""
    if a.numel() != b.numel():
        return False
    moments = [torch.stack([x.double().sum(), x.double().square().sum()]) for x in (a, b)]
    return torch.allclose(*moments, rtol=1e-9)


def reset(module: nn.Module) -> None:
    """States as new ones: what SpikingJelly's `reset_net` does; other frameworks begin anew with every run."""
    for each in module.modules():
        if callable(getattr(each, "reset", None)):
            each.reset()
