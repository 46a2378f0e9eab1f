"""What a device computes with: the one place where the processor and CUDA part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from backends.reference.kernels.cpu import cpu_forms
from backends.reference.kernels.forms import Forms
from backends.reference.run.in_turn import InTurn
from backends.reference.run.prepared import Prepared, Runner


@dataclass(frozen=True)
class Means:
    """name: of the device, in words. forms: how it computes. runner: how it takes the samples of a run."""

    name: str
    forms: Forms
    runner: Callable[[Prepared], Runner]

    def describe(self) -> str:
        """Device and forms, in words."""
        return ", ".join((f"torch on {self.name}", *self.forms.words))


@lru_cache(maxsize=16)
def means_of(device: torch.device) -> Means:
    """The fastest means that are exact on a device; a GPU is tested once per process."""
    if device.type != "cuda":
        return Means("CPU", cpu_forms(), InTurn)
    from backends.reference.cuda.forms import cuda_forms
    from backends.reference.cuda.stream import streamed

    return Means(torch.cuda.get_device_name(device), cuda_forms(device), streamed)
