"""
`run_netx.py [FILE.net ...]`: writes networks for lava-dl's netx, runs the files there, and counts spikes that differ; a minute.

Without files: networks of SpikingJelly's modules and a NIR graph, on the profile `netx`, random weights. A `.net` file is read
and written again, through NIR, too; what is read again must be the same network, and every layer of it fires alike, for as many
steps as `--steps` says: on random spikes, or those of `--inputs` (NumPy, elements x steps). Values at neurons of the input are
random, and stay for the whole run, as netx wants it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from backends.netx.emitted_file import EmittedFile
from backends.netx.file import net_file
from backends.reference.engine import ReferenceEngine
from compile import compile_model
from frontend.netx.network import read_net
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from ir.graph import Array, Graph
from ir.text import graph_text
from tests.backends.netx_oracle import flat, loaded, run_netx

STEPS, SAMPLES = 8, 3


def spiking(module: nn.Module, scale: float = 2.0) -> list[nn.Module]:
    """A layer with weights that make its neurons fire, and neurons."""
    weight: Any = module.weight
    nn.init.normal_(weight, 0.06, scale / weight[0].numel() ** 0.5)
    return [module]


def dense(inputs: int, outputs: int) -> list[nn.Module]:
    return spiking(layer.Linear(inputs, outputs, step_mode="m"))


def conv(inputs: int, outputs: int, kernel: int = 3, **options: Any) -> list[nn.Module]:
    return spiking(layer.Conv2d(inputs, outputs, kernel, step_mode="m", **options))


def lif() -> nn.Module:
    return neuron.LIFNode(step_mode="m")


def integrate() -> nn.Module:
    return neuron.IFNode(step_mode="m")


class Residual(nn.Module):
    """Two convolutions with a shortcut around the second, and a read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Sequential(*conv(2, 4, padding=1), integrate()),
            nn.Sequential(*conv(4, 4, padding=1), integrate()),
        )
        self.out = nn.Sequential(nn.Flatten(2), *dense(100, 6), lif())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x)
        return self.out(self.second(hidden) + hidden)


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(STEPS, SAMPLES, *shape) < 0.4).float()


def recurrent() -> Any:
    """A NIR graph whose one population feeds back to itself."""
    ones, rng = np.ones(12, np.float32), np.random.default_rng(0)
    nodes = {
        "input": nir.Input({"input": np.array([6])}),
        "w": nir.Linear(rng.normal(0, 1, (12, 6)).astype(np.float32)),
        "rec": nir.Linear(rng.normal(0, 0.4, (12, 12)).astype(np.float32)),
        "lif": nir.LIF(tau=4 * ones, r=4 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        "output": nir.Output({"output": np.array([12])}),
    }
    edges = [("input", "w"), ("w", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")]
    return nir.NIRGraph(nodes, edges)


NETWORKS: dict[str, Callable[[], tuple[Any, torch.Tensor]]] = {
    "MLP": lambda: (nn.Sequential(*dense(8, 16), lif(), *dense(16, 5), integrate()), spikes(8)),
    "analog image, average pool": lambda: (
        nn.Sequential(
            *conv(1, 4),
            integrate(),
            layer.AvgPool2d(2, step_mode="m"),
            *conv(4, 6, 2),
            integrate(),
            nn.Flatten(2),
            *dense(24, 3),
            lif(),
        ),
        torch.rand(STEPS, SAMPLES, 1, 8, 8),
    ),
    "max pool": lambda: (
        nn.Sequential(
            *conv(1, 4),
            integrate(),
            layer.MaxPool2d(2, step_mode="m"),
            *conv(4, 6, 2),
            integrate(),
            nn.Flatten(2),
            *dense(24, 3),
            lif(),
        ),
        spikes(1, 8, 8),
    ),
    "batch norms": lambda: (
        nn.Sequential(
            *conv(2, 4),
            layer.BatchNorm2d(4, step_mode="m"),
            lif(),
            *conv(4, 6),
            layer.BatchNorm2d(6, step_mode="m"),
            lif(),
            nn.Flatten(2),
            *dense(96, 3),
            lif(),
        ),
        spikes(2, 8, 8),
    ),
    "residual": lambda: (Residual(), spikes(2, 5, 5)),
    "recurrent NIR": lambda: (recurrent(), spikes(6)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Run emitted networks in lava-dl's netx.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.net")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--inputs", type=Path, metavar="FILE.npy")
    options = parser.parse_args()
    spikes_in = None if options.inputs is None else np.load(options.inputs).T
    rows = [again(path, options.steps, spikes_in) for path in options.files] or [compiled(name) for name in NETWORKS]
    return int(any(rows))


def compiled(name: str) -> int:
    """Compile a network, run its file, and say how many of its output spikes differ."""
    torch.manual_seed(0)
    network, x = NETWORKS[name]()
    options: dict[str, Any] = {"dt": 1.0} if isinstance(network, nir.NIRGraph) else {}
    program = compile_model(
        network.eval() if isinstance(network, nn.Module) else network,
        target="gpu",
        profile="netx",
        example=x,
        **options,
    )
    file = program.emit("netx")
    trace = program.run(x, probes=tuple(file.outputs))
    stream = flat(program.chip_inputs(x), file.inputs).swapaxes(0, 1)
    known = flat(trace.spikes, file.outputs).swapaxes(0, 1).astype(np.int64)
    runs = [stream.reshape(-1, stream.shape[2])] if file.back_to_back else [*stream]
    emitted = np.concatenate([run(file, each) for each in runs]).reshape(known.shape)
    return say(name, known, emitted, f"relays {file.relays}, {dict(file.arguments)}")


def run(file: EmittedFile, stream: Array) -> Array:
    with tempfile.TemporaryDirectory() as folder:
        return run_netx(Path(folder) / file.name, file, stream)[file.latency :]


def again(path: Path, steps: int, spikes_in: Array | None) -> int:
    """Read a file, write it, read that, and run every layer in netx."""
    chip = read_net(path).deployment.chip
    file = net_file(chip)
    through_nir = net_file(from_nir(to_nir(chip)))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(file.content)
        same = body(read_net(copy).deployment.chip) == body(chip) and through_nir.content == file.content
        print(f"{path.name}: read again, and through NIR, {'the same network' if same else 'ANOTHER NETWORK'}")
        return layer_by_layer(copy, chip, file, steps, spikes_in) + (not same)


def body(chip: Graph) -> list[str]:
    """A graph's text without its name."""
    return graph_text(chip).splitlines()[1:]


def layer_by_layer(path: Path, chip: Graph, file: EmittedFile, steps: int, spikes_in: Array | None) -> int:
    """The spikes of every layer that fires."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    rng, (node,) = np.random.default_rng(0), chip.inputs
    network, late = loaded(path, file), file.latency
    populations = [name for name, each in chip.nodes.items() if each.op.kind == "integer_lif"]
    if node.name in file.inputs:
        drawn = rng.random((steps, node.type.size)) < 0.2 if spikes_in is None else spikes_in[:steps] > 0
        x = drawn.reshape(steps, 1, *node.type.shape)
        stream = np.concatenate([x[:, 0].reshape(steps, -1), np.zeros((late, node.type.size), bool)])
        source = Source(data=stream.T.reshape(*network.inp.shape[::-1], -1).T.astype(np.int32).T)
        source.s_out.connect(network.inp)
    else:
        x = np.broadcast_to(rng.integers(-20, 32, (1, 1, *node.type.shape)), (steps, 1, *node.type.shape))
        drive_by_bias(network, chip, populations[0], x[0, 0])
    sinks = [Sink(shape=each.out.shape, buffer=steps + late) for each in network.layers[: len(populations)]]
    for each, sink in zip(network.layers, sinks, strict=False):
        each.out.connect(sink.a_in)
    try:
        network.run(RunSteps(steps + late), Loihi2SimCfg(select_tag="fixed_pt"))
        emitted = [sink.data.get().T.reshape(steps + late, -1) for sink in sinks]
    finally:
        network.stop()
    trace = ReferenceEngine(chip).run({node.name: x.astype(np.int32)}, tuple(populations))
    waits = 1 if node.name in file.inputs else 0
    pairs = enumerate(zip(populations, emitted, strict=True))
    return sum(
        say(
            f"  {name}", trace.spikes[name][:, 0].reshape(steps, -1), values[waits * (k + 1) :][:steps].astype(np.int64)
        )
        for k, (name, values) in pairs
    )


def drive_by_bias(network: Any, chip: Graph, name: str, values: Array) -> None:
    """Give the neurons at the input their values, in units of their voltage."""
    node = chip.nodes[name]
    weight = chip.nodes[node.inputs[0]].op.weight  # pyright: ignore[reportAttributeAccessIssue]
    bias = chip.arrays(node).get("bias", np.zeros(1, np.int64))
    drive = np.broadcast_to(weight * values + bias, node.type.shape)
    network.in_layer.neuron.bias_exp.init = 0
    network.in_layer.neuron.bias_mant.init = drive.T


def say(name: str, known: Array, emitted: Array, text: str = "") -> int:
    """Print a row, and return how many values differ."""
    differ = int((known != emitted).sum())
    print(f"{name}: {known.size} values, {int(known.sum())} spikes, {differ} differ  {text}", flush=True)
    return differ


if __name__ == "__main__":
    sys.exit(main())
