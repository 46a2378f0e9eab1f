"""Energy and time of networks on cores: our model and SANA-FE, on the same map, with the same spikes and costs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import neuron
from torch import nn

import hw_profiles
from backends.event_driven.message_loop import compiled
from backends.reference.engine import ReferenceEngine
from backends.sanafe.checks import SANAFE_RUNNER
from backends.sanafe.emit import flat_network
from compile import compile_model
from compile.benchmark.table import Cell, Table
from ir.analysis.fan_in import populations
from ir.analysis.schedule import schedule
from ir.graph import Array, Graph
from ir.mapping.connections import connections_of
from ir.mapping.core_map import CoreMap
from ir.mapping.nets import OUTSIDE
from ir.mapping.timing.links import routers_of
from ir.mapping.timing.sample_time import alone, begins, sample_time, spikes_in
from ir.mapping.timing.spike_trains import spike_trains
from ir.mapping.timing.step_time import RECEIVING, SENDING, barrier_time, readings
from ir.mapping.timing.ways import Ways, ways_of
from ir.mapping.timing.work import WorkCounter
from ir.profile import Mesh, Profile, Quantity
from tests.bench.networks import conv
from tests.bench.sanafe_table import Case, recurrent
from tests.filled_cores import fill_cores
from tests.interop.dvs_gesture import at_rest, network, parameters, shipped_map, silence
from tests.sanafe_command import MISSING, sanafe_python

COLUMNS = (
    "network",
    "steps",
    "cores",
    "spikes",
    "uJ",
    "uJ in SANA-FE",
    "energy: ours / its",
    "us per step",
    "us in SANA-FE",
    "time: ours / its",
    "its simple model / its",
)
NOTE = (
    "Samples alone, one after another, on cores that are filled in order, four to a router, routers in a row; prices and times of the "
    "profile `loihi1`, in SANA-FE too. Weights of zero, which its "
    "lists leave out, are made one unit. Time in SANA-FE: its detailed model."
)
TILE = 4
"""Cores to a router in SANA-FE's description, two by two on a mesh of ours."""
DVS_STEPS, DVS_UJ, DVS_US = 1_000, 3440.57, 25.8852
"""Steps of the tutorial's network, the energy of all and the time of each in SANA-FE 2.2.9, detailed model, as shipped."""
DVS_PJ = {
    "neuron_update": "72.8",
    "spike": "69.3",
    "axon_out": "111",
    "synaptic_event": "35.5",
    "hop_east_west": "3",
    "hop_north_south": "4.2",
}
"""Its own prices; an update with the access to the neuron."""
DVS_UPDATE_PJ = 21.6
"""The update alone, which it does not charge where a neuron is at rest."""


def table(quick: bool) -> Table:
    """All networks; the first of them if quick, nothing where SANA-FE is missing."""
    python = sanafe_python()
    if python is None:
        return Table("Energy and time against SANA-FE", COLUMNS, (), f"Skipped: {MISSING}.")
    rows = [_row(python, name, _bare(chip), inputs, cores) for name, chip, inputs, cores in cases(quick)]
    return Table(
        "Energy and time against SANA-FE", COLUMNS, tuple(rows if quick else [*rows, *_dvs_rows(python)]), NOTE
    )


def cases(quick: bool) -> Iterator[tuple[str, Graph, dict[str, Array], int]]:
    """Networks, and how many neurons are on a core."""
    yield (*recurrent(), 7)
    if quick:
        return
    yield (*_dense(), 32)
    images = conv()
    chip, inputs = images.program.deployment.chip, images.chip_inputs(1)
    yield "convolutions, 2 x 34 x 34", chip, inputs, 256
    yield "the same, on large cores", chip, inputs, 1024


def _dense() -> Case:
    torch.manual_seed(0)
    widths = ((256, 256), (256, 128), (128, 10))
    layers = [part for width in widths for part in (nn.Linear(*width, bias=False), neuron.LIFNode(step_mode="m"))]
    for each in layers[::2]:
        each.weight.data *= 5
    x = (torch.rand(16, 4, 256) < 0.2).float()
    program = compile_model(nn.Sequential(*layers), "gpu", example=x)
    return "256-256-128-10", program.deployment.chip, program.chip_inputs(x.numpy())


def _bare(chip: Graph) -> Graph:
    """Without weights of zero and biases; what they do to the spikes, they do in both models."""
    nodes = {
        name: replace(node, params=tuple(each for each in node.params if each[0] != "bias"))
        for name, node in chip.nodes.items()
    }
    weights = {key for node in nodes.values() for role, key in node.params if role == "weight"}
    params = {key: chip.params[key] for node in nodes.values() for _, key in node.params}
    params |= {key: np.where(params[key] == 0, 1, params[key]).astype(params[key].dtype) for key in weights}
    return replace(chip, nodes=nodes, params=params)


def _row(python: str, name: str, chip: Graph, inputs: dict[str, Array], neurons: int) -> tuple[Cell, ...]:
    filled = fill_cores(chip, neurons)
    core = np.arange(filled.cores)
    tile, place = np.divmod(core, TILE)
    cores = CoreMap(filled.core_of, np.stack([0 * core, 2 * tile + place % 2, place // 2], axis=1))
    profile = _on_mesh(hw_profiles.load("loihi1"), 2 * (int(tile[-1]) + 1))
    window, depth = len(next(iter(inputs.values()))), schedule(chip).depth
    ours = _Ours(chip, inputs, cores, profile, depth, window + max(depth.values()))
    flat = flat_network(chip, cores, inputs)
    assert len(flat.cores) == sum(map(len, cores.core_of.values())), "relays are no part of our model"
    found = _in_sanafe(python, asdict(flat), ours.costs)
    its = found["detailed"]
    steps = ours.samples * ours.steps
    seconds = ours.time.isolated.value * 1e-9 * ours.samples
    return (
        name,
        steps,
        cores.cores,
        int(its["neurons_fired"]),
        ours.energy * 1e6,
        its["energy"] * 1e6,
        ours.energy / its["energy"],
        seconds / steps * 1e6,
        its["time"] / steps * 1e6,
        seconds / its["time"],
        found["simple"]["time"] / its["time"],
    )


def _on_mesh(profile: Profile, columns: int) -> Profile:
    """The chip with its routers in a row."""
    sides = {"columns": columns, "rows": 2, "input_column": columns, "input_row": 0}
    mesh = {key: Quantity(side, "core", "as run_sanafe.py has it", "assumed") for key, side in sides.items()}
    return replace(profile, tables={**profile.tables, "mesh": {**profile.tables["mesh"], **mesh}})


class _Ours:
    """What our model says of samples alone: each is `steps` steps, in which populations begin at `first`."""

    def __init__(
        self,
        chip: Graph,
        inputs: dict[str, Array],
        cores: CoreMap,
        profile: Profile,
        first: Mapping[str, int],
        steps: int,
    ) -> None:
        names = tuple(node.name for node in populations(chip))
        window, self.samples = next(iter(inputs.values())).shape[:2]
        self.steps = steps
        ways = ways_of(connections_of(chip), cores.core_of)
        self.emitted = {**inputs, **ReferenceEngine(chip, "cpu").run(inputs, names).spikes}
        trains = spike_trains(chip, ways, self.emitted, (self.samples, window, 1))
        self.time = sample_time(ways, cores, profile, trains, first, steps, compiled)
        ns = readings(profile)[0]
        prices = {key: float(each.value) * 1e-12 for key, each in profile.tables["energy"].items()}
        times = {key: each * 1e-9 for key, each in ns.items()}
        self.costs = {"energy": prices, "time": times, "barrier": barrier_time(cores.places, profile.mesh, ns) * 1e-9}
        counter, begin = WorkCounter(ways, cores, profile.mesh), begins(ways, first)
        places = [each for sample in range(self.samples) for each in alone(trains, sample, begin, steps)]
        rows = [spikes_in(trains, each) for each in places]
        works = [counter.of(row) for row in rows]
        events = {event: sum(float(getattr(work, event).sum()) for work in works) for event in (*SENDING, *RECEIVING)}
        self.spikes = round(events["spike"])
        self.energy = sum(prices.get(event, 0.0) * count for event, count in events.items())
        rows_and_columns = _hops(ways, cores, profile.mesh, np.sum(rows, axis=0))
        self.energy += float(rows_and_columns @ [prices["hop_east_west"], prices["hop_north_south"]])


def _hops(ways: Ways, cores: CoreMap, mesh: Mesh, spikes: Array) -> Array:
    """Hops that messages make, those of inputs included: (2,), along rows and along columns."""
    entry = [0, mesh.input_column or 0, mesh.input_row or 0]
    routers = routers_of(np.concatenate([cores.places, [entry]]), mesh)
    home = routers[np.where(ways.source == OUTSIDE, cores.cores, ways.source)]
    way = ways.messages.sets
    return spikes[way] @ np.abs(home[way] - routers[ways.messages.members])


def _dvs_rows(python: str) -> Iterator[tuple[Cell, ...]]:
    """SANA-FE's own network on its own map, at its own costs, beside what it says of it; and as it charges neurons at rest."""
    chip, steps = network(parameters(python), DVS_STEPS), DVS_STEPS
    shipped, stock = shipped_map(chip), hw_profiles.load("loihi1")
    core = np.arange(shipped.cores)
    tile, place = np.divmod(core, TILE)
    places = np.stack([0 * core, 2 * (tile // 4) + place % 2, 2 * (tile % 4) + place // 2], axis=1)
    energy = {key: Quantity(Fraction(pj), "pJ", "SANA-FE 2.2.9, loihi.yaml", "estimated") for key, pj in DVS_PJ.items()}
    profile = replace(stock, tables={**stock.tables, "energy": energy})
    first = {
        name: depth - 1 for name, depth in schedule(chip).depth.items()
    }  # there, all layers run from the first step on
    ours = _Ours(chip, silence(steps), CoreMap(shipped.core_of, places), profile, first, steps)
    us, uj = ours.time.isolated.value / 1e3 / steps, ours.energy * 1e6
    sizes = (steps, shipped.cores, ours.spikes)
    yield "DVS gesture (its tutorial)", *sizes, uj, DVS_UJ, uj / DVS_UJ, us, DVS_US, us / DVS_US, None
    uj -= at_rest(chip, ours.emitted) * DVS_UPDATE_PJ / 1e6
    yield "the same, neurons at rest as there", *sizes, uj, DVS_UJ, uj / DVS_UJ, None, None, None, None


def _in_sanafe(python: str, network: dict[str, Any], costs: dict[str, Any]) -> dict[str, Any]:
    """What SANA-FE says of the same, by timing model."""
    with TemporaryDirectory() as name:
        np.savez(Path(name) / "network.npz", **network)
        (Path(name) / "costs.json").write_text(json.dumps(costs))
        script = SANAFE_RUNNER.with_name("time_sanafe.py")
        done = subprocess.run([python, str(script), name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads((Path(name) / "result.json").read_text())
