"""
Steps and inferences on chips as their owners measured them, and as our model has them with the same activity, or an assumed one.

No constant is fitted to these. PilotNet SNN needs a copy of lava-dl (BSD-3-Clause) at LAVA_DL: its network, run as its benchmark
notebook runs it, and the frame of its tests. The branches of the keyword networks are described in `power_benchmarks` of Applied
Brain Research (`models.py`, logs of runs); their weights were random, and how often they fired is not published.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import hw_profiles
from backends.event_driven.message_loop import compiled
from backends.reference.engine import ReferenceEngine
from backends.trace import Events
from compile import compile_model
from compile.benchmark.table import Cell, Table
from compile.energy.simulated import Counts, node_counts
from ir.analysis.fan_in import populations
from ir.analysis.fan_out import uniform_fan_outs
from ir.analysis.schedule import schedule
from ir.graph import Array, Graph, GraphBuilder
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.split import places
from ir.mapping.timing.sample_time import sample_time
from ir.mapping.timing.spike_trains import spike_trains
from ir.mapping.timing.ways import ways_of
from ir.ops import Input, IntegerLif, Linear
from ir.profile import Profile
from tests.bench.compiler_tables import PRINTED

COLUMNS = (
    "network",
    "activity",
    "cores",
    "us per step",
    "least",
    "most",
    "us measured",
    "time: ours / measured",
    "uJ per inference",
    "uJ measured",
    "energy: ours / measured",
)
NOTE = (
    "PilotNet SNN on Loihi 2: lava-dl d825ac5, netx notebook pilotnet_snn/benchmark (one frame again and again, no input or output), "
    "profile `loihi2`. Branches of 10 x 256 neurons on Loihi 1: power_benchmarks, dynamic power by number of branches, 10 steps per "
    "inference at 114 inferences per second, profile `loihi1`."
)
NETWORK = "tutorials/lava/lib/dl/netx/pilotnet_snn/network.net"
FRAME = "tests/lava/lib/dl/netx/gts/pilotnet_lif/image.npy"
FRAME_STEPS, FRAME_US, FRAME_UJ = 16, 152.8, 1093.5
"""Steps per inference; measured: time of each, dynamic energy of an inference."""
LAYERS, WIDTH, BRANCH_STEPS, BRANCH_US, BRANCH_UJ = 10, 256, 10, 877.0, 16.3
RATES = (0.0, 0.05, 0.1)
"""Spikes per neuron and step that are assumed."""


def table(quick: bool) -> Table:
    """All rows; without lava-dl those of the branches."""
    return Table("Time and energy against silicon", COLUMNS, (*_pilotnet(), *_branches()), NOTE)


def _pilotnet() -> Iterator[tuple[Cell, ...]]:
    if "LAVA_DL" not in os.environ:
        return
    folder = Path(os.environ["LAVA_DL"])
    program = compile_model(str(folder / NETWORK), "gpu", profile="loihi2")
    chip, profile = _driven(program.deployment.chip, np.load(folder / FRAME)), program.profile
    (entry,), names = chip.inputs, tuple(node.name for node in populations(chip))
    silence = {entry.name: np.zeros((FRAME_STEPS, 1, *entry.type.shape), np.int64)}
    trace = ReferenceEngine(chip, "cpu").run(silence, names)
    emitted: dict[str, Array | float] = {**silence, **trace.emissions}
    cores, measured = _as_printed(chip, profile), (FRAME_US, FRAME_UJ)
    yield _row("PilotNet SNN", "a frame", chip, profile, cores, emitted, trace.events, FRAME_STEPS, measured)


def _driven(chip: Graph, frame: Array) -> Graph:
    """The network with a frame (columns, rows, channels) for the biases of its first neurons, as netx has it."""
    first = populations(chip)[0]
    bias = {dict(first.params)["bias"]: (frame.transpose(2, 1, 0) * 64).astype(np.int32)}
    return replace(chip, params={**chip.params, **bias})


def _as_printed(chip: Graph, profile: Profile) -> CoreMap:
    """As many cores of each layer as the compiler printed: strips of columns, as wide as a power of two, or equal parts."""
    core_of, known = dict[str, Array](), 0
    for node, cores in zip(populations(chip), PRINTED["PilotNet SNN"].printed, strict=True):
        columns = node.type.shape[-1]
        width = (
            next(width for width in (1, 2, 4, 8, 16, 32) if -(-columns // width) <= cores)
            if len(node.type.shape) == 3
            else 0
        )
        part = np.arange(columns) // width if width else np.arange(columns) * cores // columns
        core_of[node.name] = (known + np.broadcast_to(part, node.type.shape).ravel()).astype(np.int32)
        known += int(part.max()) + 1
    return CoreMap(core_of, places(known, profile))


def _branches() -> Iterator[tuple[Cell, ...]]:
    """One branch, each layer on a core of its own."""
    profile = hw_profiles.load("loihi1")
    b = GraphBuilder("branch", BRANCH_STEPS)
    value = b.add(Input(f"spike[{WIDTH}]"), name="x")
    weight = {"weight": b.param("w", np.ones((WIDTH, WIDTH), np.int16))}
    for k in range(LAYERS):
        current = b.add(Linear(), value, name=f"l{k}", params=weight)
        value = b.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name=f"n{k}")
    graph = b.build({"y": value})
    layers = populations(graph)
    core_of = {node.name: np.full(WIDTH, k, np.int32) for k, node in enumerate(layers)}
    cores = CoreMap(core_of, places(LAYERS, profile))
    for rate in RATES:
        emitted: dict[str, Array | float] = dict.fromkeys((node.name for node in (*graph.inputs, *layers)), rate)
        spikes = {name: round(rate * WIDTH * BRANCH_STEPS) for name in emitted}
        synaptic = {name: spikes[each.source] * each.synapses for name, each in uniform_fan_outs(graph).items()}
        events = Events(1, BRANCH_STEPS, spikes, synaptic, {node.name: WIDTH * BRANCH_STEPS for node in layers})
        measured = (BRANCH_US, BRANCH_UJ)
        yield _row(
            "keyword branch", f"{rate:.0%}, assumed", graph, profile, cores, emitted, events, BRANCH_STEPS, measured
        )


def _row(
    name: str,
    activity: str,
    chip: Graph,
    profile: Profile,
    cores: CoreMap,
    emitted: Mapping[str, Array | float],
    events: Events,
    steps: int,
    measured: tuple[float, float],
) -> tuple[Cell, ...]:
    ways, plan = ways_of(connections_of(chip), cores.core_of), schedule(chip)
    trains = spike_trains(chip, ways, emitted, (1, steps, 1))
    step = sample_time(ways, cores, profile, trains, plan.depth, steps + plan.latency, compiled).step
    energy = float(sum(node_counts(chip, events).values(), Counts()).energy_pj(profile)) / 1e6
    us, uj = measured
    times = (step.value / 1e3, step.low / 1e3, step.high / 1e3, us, step.value / 1e3 / us)
    return (name, activity, cores.cores, *times, energy, uj, energy / uj)
