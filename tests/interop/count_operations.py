"""
What NeuroBench and syops count of three layers: python count_operations.py, in an environment with torch, neurobench and syops.

Prints one line per layer, per sample: effective accumulations, effective multiplications and dense operations of NeuroBench, then
accumulations and multiplications of syops. `tests/compile/energy/models/test_effective_operations.py` holds what it printed.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

STEPS, SAMPLES = 2, 3


def pattern(shape: tuple[int, ...], values: list[int]) -> np.ndarray:
    """Numbers that come again and again, in an order without a period of the shape's."""
    places = np.arange(np.prod(shape))
    return np.array(values)[places * 7 % 11 % len(values)].reshape(shape).astype(np.float32)


def layers() -> dict[str, tuple[nn.Module, np.ndarray]]:
    """Name -> a layer with zeros among its weights, and its inputs (T, B, ...): spikes, counts with twos, analog values."""
    conv, counts, analog = (
        nn.Conv2d(2, 3, 3, 2, 1, bias=False),
        nn.Linear(6, 4, bias=False),
        nn.Linear(6, 4, bias=False),
    )
    for layer in (conv, counts, analog):
        layer.weight.data = torch.from_numpy(pattern(tuple(layer.weight.shape), [1, 0, -2, 3]))
    return {
        "spikes": (conv, pattern((STEPS, SAMPLES, 2, 5, 5), [1, 0, 0])),
        "counts": (counts, pattern((STEPS, SAMPLES, 6), [2, 0, 1, 0, 1])),
        "analog": (analog, pattern((STEPS, SAMPLES, 6), [0, 3, -4])),
    }


def main() -> None:
    """Both tools, layer by layer."""
    from neurobench.metrics.utils.layers import single_layer_MACs

    for name, (layer, inputs) in layers().items():
        batch = torch.from_numpy(inputs.reshape(-1, *inputs.shape[2:]))
        operations, spiking = single_layer_MACs(batch, layer)
        dense, _ = single_layer_MACs(batch, layer, total=True)
        effective = [float(operations), 0.0] if spiking else [0.0, float(operations)]
        counted: Any = layer
        counted.__syops__ = np.zeros(4)
        hooks = _syops_hooks()
        hook = hooks.conv_syops_counter_hook if name == "spikes" else hooks.linear_syops_counter_hook
        hook(counted, (batch,), layer(batch))
        _, accumulations, multiplications, _ = counted.__syops__
        print(name, *(number / SAMPLES for number in (*effective, float(dense), accumulations, multiplications)))


def _syops_hooks() -> Any:
    """The module of syops that counts; its package's own front needs torchvision."""
    (folder,) = (Path(place) / "syops" for place in sys.path if (Path(place) / "syops" / "ops.py").is_file())
    spec = importlib.util.spec_from_file_location("syops_ops", folder / "ops.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
