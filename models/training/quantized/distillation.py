"""
What a network of few bits learns from its floats, beside the task: to fire as often, and to make the same of it.

On every batch the floats run first. For each neuron layer the rates over the window, for each linear layer of the host the
outputs are compared: the mean square of the difference, in parts of the floats' own mean square.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from spikingjelly.activation_based.neuron import BaseNode
from torch import nn
from torch.utils.hooks import RemovableHandle

WEIGHT = 10.0
"""Of the distance, beside the task's losses: at four bits they are much alike."""
SILENT = 1e-3
"""Mean square of rates below which a layer of the floats is nearly silent, and a difference does not count more."""
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
Losses = Callable[[Any], Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Distillation:
    """A training's losses, with those of the distance to the floats."""

    parts: Mapping[str, nn.Module]
    """All that the losses run."""
    trained: Sequence[str]
    """Those that learn; the others stay as they are."""
    losses: Losses
    host: frozenset[nn.Module]
    """Linear layers that the host computes."""
    floats: Mapping[str, Mapping[str, torch.Tensor]] = field(init=False)
    """Part -> its weights now."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "floats", {name: deepcopy(self.parts[name].state_dict()) for name in self.trained})

    def __call__(self, batch: Any) -> dict[str, torch.Tensor]:
        """The task's loss terms and `floats`, that of the distance; norms keep their statistics."""
        self._set_modes()
        with self._as_floats(), torch.no_grad(), torch.random.fork_rng(devices=[]), self._watched() as wanted:
            self.losses(batch)
        with self._watched() as features:
            terms = self.losses(batch)
        distances = [_distance(own, floats) for own, floats in zip(features, wanted, strict=True)]
        return {**terms, "floats": WEIGHT * torch.stack(distances).mean()}

    def _set_modes(self) -> None:
        for name, part in self.parts.items():
            for module in part.modules():
                if name not in self.trained or isinstance(module, NORMS):
                    module.eval()

    @contextmanager
    def _as_floats(self) -> Generator[None]:
        """The trained parts with their weights as they were."""
        now = {name: deepcopy(self.parts[name].state_dict()) for name in self.trained}
        self._load(self.floats)
        try:
            yield
        finally:
            self._load(now)

    def _load(self, states: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        for name, state in states.items():
            self.parts[name].load_state_dict(state)

    @contextmanager
    def _watched(self) -> Generator[list[torch.Tensor]]:
        """What neurons and the host's linear layers of the trained parts give meanwhile, in the order of their calls."""
        features = list[torch.Tensor]()
        modules = [module for name in self.trained for module in self.parts[name].modules()]
        handles = list[RemovableHandle]()

        def keep_rates(_module: nn.Module, _args: Any, spikes: torch.Tensor) -> None:
            features.append(spikes.mean(dim=0))

        def keep(_module: nn.Module, _args: Any, outputs: torch.Tensor) -> None:
            features.append(outputs)

        for module in modules:
            if isinstance(module, BaseNode):
                handles.append(module.register_forward_hook(keep_rates))
            elif module in self.host:
                handles.append(module.register_forward_hook(keep))
        try:
            yield features
        finally:
            for handle in handles:
                handle.remove()


def _distance(own: torch.Tensor, floats: torch.Tensor) -> torch.Tensor:
    return torch.mean((own - floats) ** 2) / (torch.mean(floats**2) + SILENT)
