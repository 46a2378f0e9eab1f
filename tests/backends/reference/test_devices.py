"""The processor and CUDA part in one place; a device is prepared once."""

from __future__ import annotations

import torch

from backends.reference.devices import ExecutionDevice, execution_device
from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.run.tiles import CpuTiles


def test_the_processor():
    device = execution_device(torch.device("cpu"))
    assert execution_device(torch.device("cpu")) is device
    assert device.tiles is CpuTiles
    assert device.describe() == "torch on CPU"


def test_a_device_says_which_kernels_it_has():
    kernels = DeviceKernels()
    kernels.description = ("int8 products", "fused neurons")
    assert (
        ExecutionDevice("some GPU", kernels, CpuTiles).describe() == "torch on some GPU, int8 products, fused neurons"
    )
