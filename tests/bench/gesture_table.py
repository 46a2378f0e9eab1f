"""SANA-FE's own DVS-Gesture network in SANA-FE, as it brings it along: on its own map, and on the compiler's for short steps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import hw_profiles
from backends.event_driven.message_loop import compiled
from backends.reference.engine import ReferenceEngine
from backends.sanafe.checks import SANAFE_RUNNER
from compile.benchmark.table import Cell, Table
from compile.stages.wanted_map import MOMENTS
from ir.analysis.fan_in import populations
from ir.analysis.schedule import schedule
from ir.graph import Array, Graph
from ir.mapping.core_map import CoreMap
from ir.mapping.fit import fit
from ir.mapping.layout.map_for import map_for
from ir.mapping.split import plain_map
from tests.interop.dvs_gesture import CORES, SPIKES, network, parameters, silence
from tests.sanafe_command import MISSING, sanafe_python

COLUMNS = ("map", "steps", "cores", "spikes", "packets", "mJ", "us per step", "energy x delay, J s", "to its own map")
NOTE = "Its chip, prices and times, dense synapses, detailed timing; the compiler's map by the spikes of the run and the profile `loihi1`."
STEPS = {True: 100, False: 1_000}
"""Whether quick -> steps."""


def table(quick: bool) -> Table:
    """Both maps; nothing where SANA-FE is missing."""
    python = sanafe_python()
    if python is None:
        return Table("DVS Gesture in SANA-FE", COLUMNS, (), f"Skipped: {MISSING}.")
    return Table("DVS Gesture in SANA-FE", COLUMNS, tuple(_rows(python, STEPS[quick])), NOTE)


def _rows(python: str, steps: int) -> Iterator[tuple[Cell, ...]]:
    chip, first = network(parameters(python), steps), 0.0
    for name, cores in {"its own": _its_own(chip), "for time": _for_time(chip, steps)}.items():
        with TemporaryDirectory() as folder:
            np.save(Path(folder) / "cores.npy", cores)
            script = SANAFE_RUNNER.with_name("gesture_sanafe.py")
            subprocess.run([python, str(script), folder, str(steps)], capture_output=True, check=True)
            found = json.loads((Path(folder) / "result.json").read_text())
        assert found["neurons_fired"] == SPIKES[steps]
        product = found["energy"] * found["sim_time"]
        first = first or product
        sizes = (name, steps, len(np.unique(cores)), found["neurons_fired"], found["packets_sent"])
        yield *sizes, found["energy"] * 1e3, found["sim_time"] / steps * 1e6, product, product / first


def _its_own(chip: Graph) -> Array:
    """Every layer evenly over its cores."""
    cores, first = list[Array](), 0
    for node, count in zip(populations(chip), CORES, strict=True):
        own = np.arange(node.type.size) // (node.type.size // count)
        cores.append(first + np.minimum(own, count - 1))
        first += count
    return np.concatenate(cores)


def _for_time(chip: Graph, steps: int) -> Array:
    """The map for short steps, in the tutorial's order of cores: tiles column by column."""
    profile, inputs, names = hw_profiles.load("loihi1"), silence(steps), [node.name for node in populations(chip)]
    spikes = ReferenceEngine(chip, "cpu").run(inputs, tuple(names)).spikes
    rates = {name: fired.reshape(steps, -1).mean(axis=0) for name, fired in {**inputs, **spikes}.items()}
    chosen = np.random.default_rng(0).choice(steps, MOMENTS, replace=False)
    moments = [_moment(chip, spikes, step) for step in chosen.tolist()]
    found = map_for(
        chip, fit(chip, profile, plain_map(chip, profile)), profile, "time", rates, moments, compiled
    ).fit.cores
    place = _number(found)
    return np.concatenate([place[found.core_of[name]] for name in names])


def _moment(chip: Graph, spikes: Mapping[str, Array], step: int) -> dict[str, Array]:
    """Who fires in a step there, where all layers run from the first step on."""
    depth = schedule(chip).depth
    at = {name: step - depth[name] + 1 for name in spikes}
    fired = {name: fired[at[name]].ravel() * (at[name] >= 0) for name, fired in spikes.items()}
    return {**fired, "silent": np.zeros(chip.nodes["silent"].type.size)}


def _number(cores: CoreMap) -> Array:
    """(cores,): their numbers on its mesh of eight by four tiles, each of four cores."""
    x, y = cores.places[:, 1], cores.places[:, 2]
    return 4 * (4 * (x // 2) + y // 2) + 2 * (y % 2) + x % 2
