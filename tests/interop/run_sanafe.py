"""
Runs a flat network in SANA-FE: python run_sanafe.py FOLDER

Reads FOLDER/network.npz, writes FOLDER/spikes.npz (see `backends.sanafe`). Runs in an environment of numpy, pyyaml and sanafe (2.2.9,
GPL-3.0), without this compiler. The chip is the Loihi that sanafe brings along, as large as the network needs it: a core
per core of the map, four to a tile, and more of them for the inputs, of which each takes a unit of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import sanafe
import yaml

UNITS = 1024
"""Inputs of a core, and neurons of a unit: a core with more neurons gets more units."""
CORES = 4
"""Cores of a tile."""
SYNAPSES = 200_000
"""Connected in one go, which bounds the memory for Python's numbers."""
RESETS = ("hard", "none", "soft")


class WithoutAliases(yaml.SafeDumper):
    """Writes out what occurs twice: SANA-FE reads no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main(folder: Path) -> None:
    """Run all samples of a network, one after another."""
    with np.load(folder / "network.npz") as arrays:
        network = {name: arrays[name] for name in arrays.files}
    chip = load(network, loihi(), folder / "chip.yaml")
    spikes = np.zeros((*network["inputs"].shape[:2], len(network["cores"])), np.uint8)
    inputs = list(chip.mapped_neuron_groups["inputs"])
    for sample, trains in enumerate(network["inputs"]):
        for unit, train in zip(inputs, trains.T.tolist(), strict=True):
            unit.set_attributes(model_attributes={"spikes": train})
        result = chip.sim(len(trains), timing_model="simple", spike_trace=True)
        for step, fired in enumerate(result["spike_trace"]):
            spikes[sample, step, [n.neuron_offset for n in fired if n.group_name == "neurons"]] = 1
        chip.reset()
    np.savez_compressed(folder / "spikes.npz", spikes=spikes)


def loihi() -> dict[str, Any]:
    """The description of the chip that sanafe brings along."""
    return yaml.safe_load(files("sanafe.examples").joinpath("loihi.yaml").read_text())


def load(network: Mapping[str, np.ndarray], description: dict[str, Any], file: Path) -> sanafe.SpikingChip:
    """The network on a chip such as described, as large as needed; the description of that is written to `file`."""
    used = 1 + int(network["cores"].max())
    count = network["inputs"].shape[2]
    tiles = [-(-number // CORES) for number in (used, max(1, -(-count // UNITS)))]
    describe(description["architecture"], tiles, int(np.bincount(network["cores"]).max()))
    file.write_text(yaml.dump(description, Dumper=WithoutAliases, sort_keys=False))
    architecture = sanafe.load_arch(file)
    cores = architecture.cores()
    net = sanafe.Network()
    neurons = net.create_neuron_group(
        "neurons", len(network["cores"]), default_synapse_hw_name="loihi_dense_synapse", log_spikes=True
    )
    ranks = ranks_of(network["cores"])
    for k, core in enumerate(network["cores"].tolist()):
        attributes = {
            "threshold": float(network["threshold"][k]),
            "leak_decay": float(network["leak"][k]),
            "input_decay": 0.0,
            "reset_mode": RESETS[network["reset"][k]],
        }
        unit = ranks[k] // UNITS
        neurons[k].set_attributes(
            soma_hw_name=f"loihi_lif[{unit}]",
            dendrite_hw_name=f"loihi_dendrites[{unit}]",
            model_attributes=attributes,
        )
        neurons[k].map_to_core(cores[core])
    inputs = net.create_neuron_group("inputs", count)
    for k in range(count):
        inputs[k].set_attributes(soma_hw_name=f"loihi_inputs[{k % UNITS}]")
        inputs[k].map_to_core(cores[CORES * tiles[0] + k // UNITS])
    connect(network, neurons, inputs)
    chip = sanafe.SpikingChip(architecture)
    chip.load(net)
    return chip


def describe(architecture: dict[str, Any], tiles: list[int], neurons: int) -> None:
    """Make the chip as large as needed: tiles of cores with so many neurons, then tiles of cores with inputs."""
    (tile,) = architecture["tile"]
    (core,) = tile["core"]
    somas, inputs = core["soma"]
    (dendrites,) = (unit for unit in core["dendrite"] if unit["name"] == "loihi_dendrites")
    (sender,) = core["axon_out"]
    free = {**sender, "attributes": dict.fromkeys(sender["attributes"], 0.0)}  # inputs come from outside
    units = f"[0..{neurons // UNITS}]"
    core["attributes"]["max_neurons_supported"] = max(neurons, UNITS)
    core["dendrite"] = [{**dendrites, "name": f"loihi_dendrites{units}"}]
    architecture["tile"] = [
        {
            **tile,
            "name": f"{kind}[0..{number - 1}]",
            "core": [{**core, "name": f"{kind}[0..{CORES - 1}]", "soma": [soma], "axon_out": [sender]}],
        }
        for number, kind, soma, sender in (
            (tiles[0], "neurons", {**somas, "name": f"loihi_lif{units}"}, sender),
            (tiles[1], "inputs", inputs, free),
        )
    ]
    architecture["attributes"] |= {"width": sum(tiles), "height": 1}


def ranks_of(cores: np.ndarray) -> np.ndarray:
    """Of every neuron, how many before it are on its core."""
    order = np.argsort(cores, kind="stable")
    firsts = np.searchsorted(cores[order], np.arange(cores.max() + 1))
    ranks = np.empty(len(cores), int)
    ranks[order] = np.arange(len(cores)) - firsts[cores[order]]
    return ranks


def connect(network: Mapping[str, np.ndarray], neurons: Any, inputs: Any) -> None:
    """All synapses."""
    size = len(network["cores"])
    for group, own, first in ((neurons, network["sources"] < size, 0), (inputs, network["sources"] >= size, size)):
        pairs = np.stack([network["sources"] - first, network["targets"]], axis=1)[own]
        weights = network["weights"][own]
        for start in range(0, len(weights), SYNAPSES):
            some = slice(start, start + SYNAPSES)
            group.connect_neurons_sparse(neurons, {"weight": weights[some].tolist()}, pairs[some].tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
