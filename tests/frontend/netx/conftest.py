"""SLAYER networks with their own answers."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn

STEPS, SAMPLES = 25, 3


@dataclass(frozen=True)
class Slayer:
    """A SLAYER network, inputs (T, B, *shape), and SLAYER's own output (T, B, outputs), some steps late."""

    module: nn.Module
    inputs: np.ndarray
    outputs: np.ndarray

    def write(self, path: str) -> None:
        """Its `.net` file, by SLAYER's own export."""
        with h5py.File(path, "w") as file:
            group = file.create_group("layer")
            for place, block in enumerate(self.module.children()):
                block.export_hdf5(group.create_group(str(place)))


@pytest.fixture(scope="session")
def blocks() -> Any:
    """The package `lava.lib.dl.slayer`."""
    pytest.importorskip("lava", reason="lava-nc and lava-dl are for Python 3.10")
    pytest.importorskip("setuptools", reason="torch's extensions, which SLAYER imports, need it")
    pytest.importorskip("pkg_resources", reason="lava-dl's SLAYER needs setuptools below 81")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("lava.lib.dl.slayer")


@pytest.fixture(scope="session")
def networks(blocks: Any) -> dict[str, Callable[[], tuple[nn.Module, tuple[int, ...]]]]:
    """Name -> what makes a network, and the shape of its input."""
    cuba, mean = blocks.block.cuba, blocks.neuron.norm.MeanOnlyBatchNorm

    def own(**changes: Any) -> dict[str, Any]:
        return {"threshold": 1.0, "current_decay": 0.3, "voltage_decay": 0.1, **changes}

    def dense(a: int, b: int, **options: Any) -> nn.Module:
        return cuba.Dense(own(), a, b, weight_scale=3, **options)

    def spread() -> nn.Module:
        decays = own(shared_param=False, current_decay=[0.1, 0.5], voltage_decay=[0.05, 0.6])
        return nn.Sequential(cuba.Dense(decays, 8, 16, weight_scale=3), cuba.Affine(own(), 16, 5, dynamics=False))

    def image() -> nn.Module:
        return nn.Sequential(
            cuba.Input(own(threshold=0.6, current_decay=1), weight=1.3, bias=0.2),
            cuba.Conv(own(), 2, 4, 3, padding=1, stride=(2, 1), weight_scale=3, delay=True),
            cuba.Pool(own(), 2),
            cuba.Conv(own(), 4, 6, (2, 3), groups=2, weight_scale=3),
            cuba.Flatten(),
            dense(24, 6),
        )

    return {
        "dense": lambda: (nn.Sequential(dense(8, 16), dense(16, 5)), (8,)),
        "delay": lambda: (nn.Sequential(dense(8, 16, delay=True), dense(16, 5, delay=True)), (8,)),
        "norm": lambda: (nn.Sequential(cuba.Dense(own(norm=mean), 8, 16, weight_scale=3), dense(16, 5)), (8,)),
        "recurrent": lambda: (nn.Sequential(cuba.Recurrent(own(), 8, 6, weight_scale=3), dense(6, 5)), (8,)),
        "decays": lambda: (spread(), (8,)),
        "image": lambda: (image(), (2, 9, 8)),
    }


@pytest.fixture
def slayer(request: pytest.FixtureRequest, networks: Any, blocks: Any) -> Slayer:
    """The network that the test names, ready: delays and decays drawn, norms with means, forgotten what it saw."""
    torch.manual_seed(0)
    module, shape = networks[request.param]()
    real = request.param == "image"
    inputs = (
        torch.rand(STEPS, SAMPLES, *shape) * 2 - 0.3 if real else (torch.rand(STEPS, SAMPLES, *shape) < 0.3).float()
    )
    laid = inputs.permute(1, *range(2, inputs.ndim), 0)
    with torch.no_grad():
        module(laid)
        for part in module.modules():
            if isinstance(part, blocks.neuron.norm.MeanOnlyBatchNorm):
                part.running_mean = torch.randn(part.num_features) * 0.3
            if type(part).__name__ == "Delay":
                part.delay.data *= 5
        module.eval()
        forget(module)
        outputs = module(laid)
        forget(module)
    return Slayer(module, inputs.numpy(), outputs.permute(2, 0, 1).numpy())


def forget(module: nn.Module) -> None:
    """Zero state: SLAYER's neurons remember the batch before."""
    for part in module.modules():
        for name in ("current_state", "voltage_state", "spike_state"):
            if hasattr(part, name):
                setattr(part, name, torch.zeros(1))
        if hasattr(part, "delay_buffer"):
            part.delay_buffer = None
