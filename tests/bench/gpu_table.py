"""The reference backend on CUDA: samples per second, what the matrix products alone take, SpikingJelly on the same device."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from backends.reference.cuda.graph import Replayed, Tensors, capture
from backends.reference.cuda.precision import whole_float32
from backends.reference.cuda.products import ByteConvolution, ByteDense
from backends.reference.devices import execution_device
from backends.reference.engine import ReferenceEngine
from backends.reference.kernels.weighted_products import SourceSum
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.network import DeviceNetwork
from backends.reference.run.tiles import torch_threads
from backends.trace import Array, Trace
from compile.benchmark.machine import cores
from compile.benchmark.network import zero_state_forward
from compile.benchmark.products import weighted_nodes
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import Stopwatch, take_turns
from ir.graph import Graph
from ir.ops.linear import Conv
from tests.bench.networks import NETWORKS, RATE, Network

OURS, RESIDENT, PRODUCTS, JELLY = "engine", "resident", "products", "SpikingJelly"
COLUMNS = (
    "network",
    "batch",
    "engine, samples per s",
    "on the device alone, samples per s",
    "int8 products / on the device alone",
    "SpikingJelly / on the device alone",
    "differing values",
)
BATCHES, QUICK_BATCHES = (1, 8, 64, 256), (1, 64)
DATA_SET = 4096
"""Samples that are streamed in one run."""
NOTE = (
    "Engine: inputs and outputs on the host, whose copies take all its cores. On the device alone: the same computation and counts, inputs and outputs stay there; so "
    "do those of SpikingJelly, which runs the model as written, and of the products, which are all that int8 takes and nothing between "
    "them. Values and events are compared with the engine on the CPU."
)


def table(quick: bool) -> Table:
    """The whole table: networks x batches, and a data set."""
    if not torch.cuda.is_available():
        return Table("GPU", COLUMNS, (), "Skipped: torch finds no CUDA device.")
    cases = [(name, batch) for name in NETWORKS for batch in (QUICK_BATCHES if quick else (*BATCHES, DATA_SET))]
    device = torch.device("cuda")
    with torch_threads(cores()):  # the host stages and widens what the device computes
        rows = tuple(row(name, NETWORKS[name](), batch, 3 if quick else 7, device) for name, batch in cases)
    return Table(f"GPU: {execution_device(device).describe()}", COLUMNS, rows, NOTE)


@torch.inference_mode()
def row(name: str, network: Network, batch: int, rounds: int, device: torch.device) -> tuple[Cell, ...]:
    """One network at one batch; of a data set only the engine, as nothing else cuts it into what fits."""
    chip, fed = network.program.deployment.chip, repeated(network, batch)
    engine = ReferenceEngine(chip, device.type)
    runs: dict[str, Callable[[], object]] = {OURS: lambda: engine.run(fed)}
    if batch < DATA_SET:
        runs[RESIDENT], runs[PRODUCTS] = resident(chip, fed, device), products_alone(chip, fed, device)
        runs[JELLY] = zero_state_forward(network.source, network.tensors(batch), device)
    times = take_turns({key: Stopwatch(run) for key, run in runs.items()}, rounds)
    differing = differences(engine.run(fed), ReferenceEngine(chip, "cpu").run(fed))
    if batch == DATA_SET:
        return name, batch, batch / times.median(OURS), None, None, None, differing
    ratios = (times.ratio(other, RESIDENT) for other in (PRODUCTS, JELLY))
    return name, batch, batch / times.median(OURS), batch / times.median(RESIDENT), *ratios, differing


def repeated(network: Network, batch: int) -> dict[str, Array]:
    """Chip inputs of that many samples; of a data set, the largest batch's over and over."""
    few = min(batch, BATCHES[-1])
    return {name: np.concatenate([x] * (batch // few), axis=1) for name, x in network.chip_inputs(few).items()}


def resident(chip: Graph, fed: Mapping[str, Array], device: torch.device) -> Callable[[], object]:
    """The engine's computation, replayed on inputs that are on the device."""
    network = DeviceNetwork(plan_of(chip, frozenset()), device, execution_device(device).kernels, ())
    inputs = {name: torch.from_numpy(x).to(device, network.input_dtype(name)) for name, x in fed.items()}

    def compute(tensors: Tensors) -> Tensors:
        counter = network.counter()
        outputs, _ = network.compute(tensors, counter)
        counts = (*counter.spikes.items(), *counter.synaptic.items())
        return {**outputs, **{f"count {name}": count for name, count in counts if isinstance(count, torch.Tensor)}}

    return waited_for(Replayed(compute, capture), inputs, device)


def products_alone(chip: Graph, fed: Mapping[str, Array], device: torch.device) -> Callable[[], object]:
    """Every weighted product of a window on bytes, replayed."""
    steps, samples = next(iter(fed.values())).shape[:2]
    work, inputs = [], {}
    for node in weighted_nodes(chip):
        shape = (steps, samples, *chip.nodes[node.inputs[0]].type.shape)
        inputs[node.name] = (torch.rand(shape, device=device) < RATE).to(torch.int8)
        sources, weight = SourceSum((node.name,), None), np.clip(chip.arrays(node)["weight"], -128, 127)
        is_conv = isinstance(node.op, Conv)
        work.append(
            ByteConvolution(node.op, sources, weight, device) if is_conv else ByteDense(sources, weight, device)
        )

    def compute(tensors: Tensors) -> Tensors:
        return {str(place): product.unscaled(tensors.__getitem__) for place, product in enumerate(work)}

    return waited_for(Replayed(compute, capture), inputs, device)


def waited_for(replayed: Replayed, inputs: Tensors, device: torch.device) -> Callable[[], object]:
    """A turn of a computation on a stream of its own, to its end."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))

    def run() -> None:
        with torch.cuda.stream(stream), whole_float32():
            replayed(inputs)
        stream.synchronize()

    return run


def differences(found: Trace, wanted: Trace) -> int:
    """In how many values two runs differ, all events together being one."""
    values = sum(int((found.outputs[name] != wanted.outputs[name]).sum()) for name in wanted.outputs)
    return values + int(found.events != wanted.events)
