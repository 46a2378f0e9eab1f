"""Three engines on the same networks: every population in the reference, in Lava and in SANA-FE, on one core and on several."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine
from backends.sanafe.engine import SanafeEngine
from compile import compile_model
from compile.benchmark.table import Cell, Table
from compile.measure.verdict import compare
from ir.analysis.fan_in import populations
from ir.graph import Array, Graph
from ir.mapping.core_map import CoreMap
from tests.filled_cores import fill_cores
from tests.sanafe_command import MISSING, sanafe_command, sanafe_python

COLUMNS = (
    "network",
    "T",
    "samples",
    "neurons",
    "cores",
    "spikes",
    "values compared",
    "s in SANA-FE",
    "Lava differs",
    "differing values",
)
NOTE = (
    "Every neuron of every population at every step and sample, and the outputs, against the torch reference. Seconds are those of the "
    "whole child process, files included."
)
CORES = 8
"""Cores that a network is also spread over."""
Case = tuple[str, Graph, dict[str, Array]]


def table(quick: bool) -> Table:
    """The whole table; nothing where SANA-FE is missing."""
    if sanafe_command() is None:
        return Table("SANA-FE", COLUMNS, (), f"Skipped: {MISSING}.")
    rows = [row for case in cases() for row in _rows(*case)]
    return Table("SANA-FE", COLUMNS, tuple(rows if quick else [*rows, _dvs_row()]), NOTE)


def _rows(name: str, chip: Graph, inputs: dict[str, Array]) -> Iterator[tuple[Cell, ...]]:
    neurons = sum(node.op.neurons(node.type) for node in populations(chip))
    for cores in (fill_cores(chip, None), fill_cores(chip, -(-neurons // CORES))):
        yield _row(name, chip, inputs, cores)


def _row(name: str, chip: Graph, inputs: dict[str, Array], cores: CoreMap) -> tuple[Cell, ...]:
    probes = tuple(node.name for node in populations(chip))
    wanted = ReferenceEngine(chip, "cpu").run(inputs, probes)
    start = time.perf_counter()
    found = SanafeEngine(chip, cores, sanafe_command() or ()).run(inputs, probes)
    seconds = time.perf_counter() - start
    verdict = compare("reference", found, wanted)
    steps, samples = next(iter(inputs.values())).shape[:2]
    lava = compare("reference", LavaEngine(chip).run(inputs, probes), wanted).differing if find_spec("lava") else None
    spikes = sum(int(array.sum()) for array in found.spikes.values())
    size = sum(node.type.size for node in populations(chip))
    return (name, steps, samples, size, cores.cores, spikes, verdict.compared, seconds, lava, verdict.differing)


def cases() -> Iterator[Case]:
    """The attentions that other packages run, and chains of layers of every plain neuron, hidden recurrence included."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
    from attentions import cases as attentions

    for name, case in attentions().items():
        lower = {"attention": "time-coded"} if "qkv" in name or "encoder" in name else {}
        steps = case.steps if case.static else 0
        program = compile_model(case.module, "gpu", example=case.inputs, static=case.static, steps=steps, lower=lower)
        yield name, program.deployment.chip, program.chip_inputs({key: x.numpy() for key, x in case.inputs.items()})
    for name, neurons in NEURONS.items():
        for kind, (build, shape) in {
            "dense": (_dense, (12, 16, 24)),
            "convolutional": (_convolutional, (6, 8, 1, 10, 10)),
        }.items():
            torch.manual_seed(0)
            x = (torch.rand(shape) < 0.4).float()
            program = compile_model(build(neurons), "gpu", example=x)
            yield f"{name}, {kind}", program.deployment.chip, program.chip_inputs(x.numpy())
    yield recurrent()


NEURONS = {
    "IF, hard": lambda: neuron.IFNode(step_mode="m"),
    "IF, soft": lambda: neuron.IFNode(v_reset=None, step_mode="m"),
    "LIF, hard": lambda: neuron.LIFNode(step_mode="m"),
    "LIF, soft": lambda: neuron.LIFNode(v_reset=None, step_mode="m"),
    "LIF tau 3, hard": lambda: neuron.LIFNode(tau=3.0, step_mode="m"),
    "LIF tau 3, soft": lambda: neuron.LIFNode(tau=3.0, v_reset=None, step_mode="m"),
}
"""Name -> what makes a layer of neurons."""


def _dense(neurons) -> nn.Module:
    return nn.Sequential(
        *(part for width in ((24, 48), (48, 48), (48, 10)) for part in (_scaled(nn.Linear(*width), 4), neurons()))
    )


def _convolutional(neurons) -> nn.Module:
    first, second = layer.Conv2d(1, 6, 3, padding=1, step_mode="m"), layer.Conv2d(6, 8, 3, stride=2, step_mode="m")
    pool = layer.MaxPool2d(2, step_mode="m")
    return nn.Sequential(
        _scaled(first, 3),
        neurons(),
        pool,
        _scaled(second, 3),
        neurons(),
        nn.Flatten(2),
        _scaled(nn.Linear(32, 10), 4),
        neurons(),
    )


def _scaled(part: nn.Module, factor: float) -> nn.Module:
    """A layer that makes its neurons fire."""
    for parameter in part.parameters():
        parameter.data *= factor
    return part


def recurrent() -> Case:
    """A recurrent layer of LIF neurons as a NIR graph."""
    import nir

    rng, ones = np.random.default_rng(0), np.ones(20, np.float32)
    weights = {"w": rng.normal(0.3, 0.6, (20, 12)), "rec": rng.normal(0, 0.4, (20, 20))}
    nodes = {
        "input": nir.Input({"input": np.array([12])}),
        **{name: nir.Linear(weight.astype(np.float32)) for name, weight in weights.items()},
        "lif": nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        "output": nir.Output({"output": np.array([20])}),
    }
    edges = [("input", "w"), ("w", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")]
    x = rng.integers(0, 2, (40, 8, 12)).astype(np.float32)
    program = compile_model(nir.NIRGraph(nodes, edges), "gpu", dt=1e-3, example=x)
    return "LIF, recurrent (NIR)", program.deployment.chip, program.chip_inputs(x)


def _dvs_row() -> tuple[Cell, ...]:
    """SANA-FE's own tutorial network, 100 steps."""
    from tests.interop.dvs_gesture import network, parameters, shipped_map, silence

    python = sanafe_python()
    assert python is not None
    graph = network(parameters(python), 100)
    return _row("DVS gesture (SANA-FE's tutorial)", graph, silence(100), shipped_map(graph))
