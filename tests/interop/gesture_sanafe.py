"""
SANA-FE's own DVS-Gesture network on cores of ours: python gesture_sanafe.py FOLDER STEPS

Reads FOLDER/cores.npy, the core of every neuron, layer after layer as sanafe orders them (channel, row, column), in the mesh of
the chip that sanafe brings along; runs it there as it is, dense synapses and detailed timing, and writes FOLDER/result.json. Runs in
an environment of numpy and sanafe (2.2.9, GPL-3.0).
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import sanafe
from sanafe import layers, tutorial


def main(folder: Path, steps: int) -> None:
    """Run all steps from rest."""
    with np.load(tutorial.get_dvs_data()) as arrays:
        given = {name: arrays[name] for name in arrays.files}
    architecture = sanafe.load_arch(files("sanafe.examples").joinpath("loihi.yaml"))
    net, thresholds = sanafe.Network(), given["thresholds"].tolist()
    made: list[layers.Layer] = [layers.Input2D(net, 32, 32, 1, threshold=thresholds[0])]
    for k, stride in enumerate((2, 1, 1, 1), 1):
        own = {"stride_width": stride, "stride_height": stride, "threshold": thresholds[k]}
        made.append(layers.Conv2D(net, made[-1], given[f"conv{k}"], **own))
    made.append(layers.Dense(net, made[-1], 11, given["dense1"], threshold=thresholds[5]))
    neurons = [neuron for layer in made for neuron in layer]
    for neuron, bias in zip(made[0], given["inputs"].tolist(), strict=True):
        neuron.set_attributes(model_attributes={"bias": bias})
    cores = architecture.cores()
    for neuron, core in zip(neurons, np.load(folder / "cores.npy").tolist(), strict=True):
        neuron.map_to_core(cores[core])
    chip = sanafe.SpikingChip(architecture)
    chip.load(net)
    run = chip.sim(steps, timing_model="detailed")
    kept = ("neurons_fired", "packets_sent", "spikes", "sim_time")
    (folder / "result.json").write_text(
        json.dumps({"energy": run["energy"]["total"], **{key: run[key] for key in kept}})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
