"""What a device computes with, and how it takes samples: the one place where the processor and CUDA part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.run.network import DeviceNetwork
from backends.reference.run.tiles import CpuTiles, Tiles


@dataclass(frozen=True)
class ExecutionDevice:
    """A device that networks run on."""

    name: str
    """In words."""
    kernels: DeviceKernels
    tiles: Callable[[DeviceNetwork], Tiles]
    """Network -> how the device takes its samples."""

    def describe(self) -> str:
        """Device and kernels, in words."""
        return ", ".join((f"torch on {self.name}", *self.kernels.description))


@lru_cache(maxsize=16)
def execution_device(device: torch.device) -> ExecutionDevice:
    """A device with the fastest kernels that are exact there; a GPU is tested once per process."""
    if device.type != "cuda":
        return ExecutionDevice("CPU", cpu_kernels(), CpuTiles)
    from backends.reference.cuda.kernels import cuda_kernels
    from backends.reference.cuda.tiles import CudaTiles

    return ExecutionDevice(torch.cuda.get_device_name(device), cuda_kernels(device), CudaTiles)
