"""
The DVS-Gesture network that SANA-FE brings along as a tutorial, as a chip graph: 18,678 neurons, integer weights, a constant image.

Its tutorial states the spikes of 1,000 steps, so that it is an oracle of every engine. Weights and image stay where sanafe is
installed (GPL-3.0): `parameters` asks that Python for the file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import conv2d

from ir.analysis.fan_in import populations
from ir.graph import Array, Graph, GraphBuilder
from ir.mapping.core_map import CoreMap
from ir.ops import Conv, Input, IntegerLif, Linear, Reshape, Synapse
from ir.ops.base import Op

SPIKES = {100: 29_252, 1_000: 365_277}
"""Steps -> spikes of all neurons in SANA-FE 2.2.9, its first step included; the tutorial states the second."""
CORES = (1, 4, 16, 16, 4, 1)
"""Cores of each layer in the tutorial."""


def parameters(python: str) -> dict[str, Array]:
    """Thresholds, image and kernels, from the package that `python` has."""
    code = "import sanafe.tutorial; print(sanafe.tutorial.get_dvs_data().name)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    with np.load(Path(done.stdout.strip())) as arrays:
        return {name: arrays[name] for name in arrays.files}


def network(given: dict[str, Array], steps: int) -> Graph:
    """Input neurons driven by their biases, four convolutions, a dense layer; no leak, resets to zero."""
    b = GraphBuilder("dvs-gesture", steps)
    layers = [IntegerLif(4095, 0, int(threshold), 6, 12, 24) for threshold in given["thresholds"]]
    image = {"bias": b.param("image", (given["inputs"] * 64).astype(np.int32).reshape(1, 32, 32))}
    silent = b.add(Synapse(1), b.add(Input("spike[1x32x32]"), name="silent"), name="nothing")
    value = b.add(layers[0], silent, name="input", params=image)
    for k, stride in enumerate((2, 1, 1, 1), 1):
        kernels = np.ascontiguousarray(given[f"conv{k}"].astype(np.int16).transpose(3, 2, 0, 1))
        weight = {"weight": b.param(f"kernels{k}", kernels)}
        current = b.add(Conv((stride,) * 2, (0, 0), (1, 1)), value, name=f"current{k}", params=weight)
        value = b.add(layers[k], current, name=f"conv{k}")
    weight = {"weight": b.param("dense", np.ascontiguousarray(given["dense1"].astype(np.int16).T))}
    current = b.add(Linear(), b.add(Reshape((891,)), value, name="flat"), name="current5", params=weight)
    return b.build({"classes": b.add(layers[5], current, name="classes")})


def shipped_map(graph: Graph) -> CoreMap:
    """The tutorial's: every layer evenly over its cores."""
    core_of, first = dict[str, Array](), 0
    for node, cores in zip(populations(graph), CORES, strict=True):
        core_of[node.name] = first + np.minimum(np.arange(node.type.size) // (node.type.size // cores), cores - 1)
        first += cores
    places = np.stack([np.zeros(first, int), np.arange(first), np.zeros(first, int)], axis=1)
    return CoreMap({name: cores.astype(np.int32) for name, cores in core_of.items()}, places)


def silence(steps: int) -> dict[str, Array]:
    """What the chip gets."""
    return {"silent": np.zeros((steps, 1, 1, 32, 32), np.uint8)}


def counted_spikes(graph: Graph, spikes: Mapping[str, Array]) -> int:
    """As SANA-FE counts them: all layers run from the first step on, so a layer d steps deep has d of its own steps fewer."""
    layers = [spikes[node.name] for node in populations(graph)]
    return sum(int(array[: len(array) - depth].sum()) for depth, array in enumerate(layers))


def at_rest(graph: Graph, spikes: Mapping[str, Array]) -> int:
    """Neurons times the steps in which they are at rest: at zero, with nothing to read and no bias; steps as in `counted_spikes`."""
    first, *others = populations(graph)
    steps, idle = len(spikes[first.name]), int((graph.params[dict(first.params)["bias"]] == 0).sum())
    idle, before = steps * idle, first
    for depth, node in enumerate(others, 1):
        current = graph.nodes[node.inputs[0]]
        weight = torch.tensor(graph.params[dict(current.params)["weight"]], dtype=torch.float32)
        sent, fired = (torch.tensor(spikes[each.name][: steps - depth, 0]).float() for each in (before, node))
        arriving, reads = (_product(current.op, sent, each) for each in (weight, torch.ones_like(weight)))
        value = torch.zeros(node.type.shape)
        for received, read, fires in zip(arriving, reads, fired, strict=True):
            idle += int(((read == 0) & (value == 0)).sum())
            value = (value + received) * (1 - fires)
        idle, before = idle + depth * node.type.size, node  # nothing arrives in the steps before
    return idle


def _product(op: Op, sent: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return conv2d(sent, weight, stride=op.stride) if isinstance(op, Conv) else sent.flatten(1) @ weight.T
