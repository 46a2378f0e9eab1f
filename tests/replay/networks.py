"""The networks whose compilation is kept: CMSF in both sizes, a recurrent NIR file, a lava-dl file, a convolutional torch net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

CMSF = Path("models/cmsf.py")
"""From the checkout, or as the one that comes with the installed package."""


@dataclass(frozen=True)
class Replayed:
    """
    A network to compile and run.

    make: folder for files -> the network: a path, a module or a graph.
    options: of the compilation.
    example: inputs of a module or graph, by name or as one array.
    run: whether it is run as well; otherwise its texts and integers are all that is kept.
    """

    make: Callable[[Path], Any]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    example: Callable[[], Any] = lambda: None
    run: bool = True


def _spikes(shape: tuple[int, ...], rate: float) -> np.ndarray[Any, Any]:
    return (np.random.default_rng(7).random(shape) < rate).astype(np.float32)


def _weights(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def recurrent_nir(folder: Path) -> Path:
    """Two populations with synaptic currents that excite each other, one of them by way of a delay line; uneven constants."""
    tau = np.linspace(0.01, 0.02, 6, dtype=np.float32)
    ones = np.ones(6, np.float32)
    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input({"input": np.array([5])}),
        "w_in": nir.Affine(4 * _weights(0, 6, 5), 0.3 * _weights(1, 6)),
        "a": nir.CubaLIF(
            tau_mem=tau, tau_syn=0.005 * ones, r=3 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones
        ),
        "w_ab": nir.Linear(2 * _weights(2, 6, 6)),
        "late": nir.Delay(np.array([0.0, 0.001, 0.002, 0.003, 0.002, 0.001], np.float32)),
        "b": nir.LIF(tau=0.012 * ones, r=4 * ones, v_leak=0.1 * ones, v_threshold=ones, v_reset=0 * ones),
        "w_ba": nir.Linear(-_weights(3, 6, 6)),
        "w_bb": nir.Linear(_weights(4, 6, 6)),
        "output": nir.Output({"output": np.array([6])}),
    }
    edges = [
        *(("input", "w_in"), ("w_in", "a"), ("a", "late"), ("late", "w_ab"), ("w_ab", "b")),
        *(("b", "w_ba"), ("w_ba", "a"), ("b", "w_bb"), ("w_bb", "b"), ("b", "output")),
    ]
    path = folder / "recurrent.nir"
    nir.write(path, nir.NIRGraph(nodes, edges))
    return path


def lava_dl_net(folder: Path) -> Path:
    """A convolution with a delay per channel, a pooling, a recurrent dense layer, a read-out of voltages."""
    rng = np.random.default_rng(11)
    cuba = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 40}
    layers: list[dict[str, Any]] = [
        {"type": "input", "shape": [2, 8, 8]},
        {
            **{"type": "conv", "shape": [4, 8, 8], "stride": 1, "padding": 1, "dilation": 1, "groups": 1},
            **{"weight": rng.integers(-60, 61, (4, 2, 3, 3)), "delay": np.array([0, 3, 1, 2]), "neuron": cuba},
        },
        {
            **{"type": "pool", "shape": [4, 4, 4], "stride": 2, "padding": 0, "dilation": 1, "kernelSize": 2},
            **{"weight": np.full((1, 1, 2, 2), 60), "neuron": cuba},
        },
        {"type": "flatten", "shape": [64]},
        {
            **{"type": "dense_rec", "shape": [16], "weight": rng.integers(-60, 61, (16, 64)), "neuron": cuba},
            **{"weight_rec": rng.integers(-40, 41, (16, 16)), "bias": rng.integers(-8, 9, 16)},
        },
        {
            **{"type": "dense", "shape": [5], "weight": rng.integers(-60, 61, (5, 16))},
            **{"neuron": {**cuba, "vThMant": (1 << 17) - 1}},
        },
    ]
    path = folder / "chain.net"
    with h5py.File(path, "w") as file:
        for place, entries in enumerate(layers):
            _write(file.create_group(f"layer/{place}"), entries)
    return path


def _write(group: Any, entries: Mapping[str, Any]) -> None:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            _write(group.create_group(name), value)
        else:
            group[name] = value


class Convolutional(nn.Module):
    """Convolution, batch norm, maximum and average pooling, a residual sum, soft reset, a linear read-out averaged over time."""

    def __init__(self) -> None:
        super().__init__()
        spiking = lambda **options: neuron.LIFNode(step_mode="m", **options)
        self.stem = nn.Sequential(layer.Conv2d(2, 6, 3, padding=1, step_mode="m"), layer.BatchNorm2d(6, step_mode="m"))
        self.stem_lif, self.pool = spiking(), layer.MaxPool2d(2, step_mode="m")
        self.conv = layer.Conv2d(6, 6, 3, padding=1, groups=2, bias=False, step_mode="m")
        self.conv_lif = neuron.IFNode(v_reset=None, step_mode="m")
        self.mean = layer.AvgPool2d(2, step_mode="m")
        self.fc, self.fc_lif = nn.Linear(24, 10), spiking(tau=1.7, v_threshold=0.7)
        self.head = nn.Linear(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.stem_lif(self.stem(x)))
        x = self.mean(self.conv_lif(self.conv(x)) + x)
        return self.head(self.fc_lif(self.fc(x.flatten(2)))).mean(0)


def convolutional(_: Path) -> nn.Module:
    """`Convolutional` with drawn weights, and statistics in its norm."""
    generator = torch.Generator().manual_seed(5)
    net = Convolutional().eval()
    with torch.no_grad():
        for name, parameter in [*net.named_parameters(), *net.named_buffers()]:
            if parameter.is_floating_point():
                drawn = torch.randn(parameter.shape, generator=generator) * 0.6
                parameter.copy_(drawn.abs() + 0.5 if name.endswith(("running_var", "1.weight")) else drawn)
    return net


NETWORKS: Mapping[str, Replayed] = {
    "cmsf": Replayed(lambda _: CMSF, {"config": "digits", "samples": 4}),
    "cmsf-paper": Replayed(lambda _: CMSF, {"config": "paper", "samples": 2}, run=False),
    "recurrent": Replayed(
        recurrent_nir, {"dt": 1e-3, "semantics": "canonical"}, lambda: {"input": _spikes((12, 3, 5), 0.4)}
    ),
    "chain": Replayed(lava_dl_net, example=lambda: {"input": _spikes((20, 3, 2, 8, 8), 0.2)}),
    "convolutional": Replayed(convolutional, example=lambda: torch.from_numpy(_spikes((4, 5, 2, 8, 8), 0.3))),
}
"""Name -> network; their texts and numbers are in tests/golden/replay."""
