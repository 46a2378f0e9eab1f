"""
Energy and time of a flat network in SANA-FE: python time_sanafe.py FOLDER

Reads FOLDER/network.npz (see `backends.sanafe`) and FOLDER/costs.json: what events cost, in J and s, by the names of `COSTS`. Writes
FOLDER/result.json: all samples together, by timing model. Runs in an environment of numpy, pyyaml and sanafe (2.2.9, GPL-3.0).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from run_sanafe import load, loihi

MODELS = ("simple", "detailed")
COSTS = {
    "soma": {
        "neuron_update": ("energy_access_neuron", "latency_access_neuron"),
        "": ("energy_update_neuron", "latency_update_neuron"),
        "spike": ("energy_spike_out", "latency_spike_out"),
    },
    "axon_out": {"axon_out": ("energy_message_out", "latency_message_out")},
    "axon_in": {"axon_in": ("energy_message_in", "latency_message_in")},
    "synapse": {"synaptic_event": ("energy_process_spike", "latency_process_spike")},
}
"""Unit of a core -> event -> what its energy and time are called there; "" costs nothing, as it is in the update here."""


def main(folder: Path) -> None:
    """Run all samples by every timing model."""
    with np.load(folder / "network.npz") as arrays:
        network = {name: arrays[name] for name in arrays.files}
    description, result = loihi(), {}
    charge(description["architecture"], json.loads((folder / "costs.json").read_text()))
    chip = load(network, description, folder / "chip.yaml")
    inputs = list(chip.mapped_neuron_groups["inputs"])
    for model in MODELS:
        totals: dict[str, float] = {"energy": 0.0, "time": 0.0, "spikes": 0, "packets_sent": 0, "neurons_fired": 0}
        for trains in network["inputs"]:
            for unit, train in zip(inputs, trains.T.tolist(), strict=True):
                unit.set_attributes(model_attributes={"spikes": train})
            run = chip.sim(len(trains), timing_model=model)
            chip.reset()
            found = {**run, "energy": run["energy"]["total"], "time": run["sim_time"]}
            totals = {name: total + found[name] for name, total in totals.items()}
        result[model] = totals
    (folder / "result.json").write_text(json.dumps(result))


def charge(architecture: dict[str, Any], costs: dict[str, Any]) -> None:
    """Replace the costs of the chip; hops keep their latency, which no busy time of a link is."""
    architecture["attributes"] |= {"sync_model": "fixed", "latency_sync": costs["barrier"]}
    (tile,) = architecture["tile"]
    (core,) = tile["core"]
    for directions, name in ((("east", "west"), "hop_east_west"), (("north", "south"), "hop_north_south")):
        tile["attributes"] |= {f"energy_{direction}_hop": costs["energy"][name] for direction in directions}
    core["soma"], inputs = core["soma"][:1], core["soma"][1:]
    for unit, events in COSTS.items():
        for each in core[unit]:
            for event, (energy, latency) in events.items():
                each["attributes"] |= {
                    energy: costs["energy"].get(event, 0.0),
                    latency: costs["time"].get(event, 0.0),
                }
    core["soma"] += inputs


if __name__ == "__main__":
    main(Path(sys.argv[1]))
