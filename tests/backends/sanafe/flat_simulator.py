"""
SANA-FE's arithmetic on a flat network, written from its documentation in `backends.sanafe.neurons`: python flat_simulator.py FOLDER

Stands in for SANA-FE where that is not installed. It is no oracle of SANA-FE, but one of what the emission makes of a graph.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HARD, SOFT = 0, 2


def simulate(cores, threshold, leak, reset, sources, targets, weights, inputs):
    """The arrays of a `FlatNetwork` -> spikes (samples, steps, neurons)."""
    samples, steps, count = inputs.shape
    synapses = np.zeros((len(cores), len(cores) + count))
    np.add.at(synapses, (targets, sources), weights)
    v, sent = np.zeros((samples, len(cores))), np.zeros((samples, len(cores) + count))
    spikes = np.zeros((samples, steps, len(cores)), np.uint8)
    for step in range(steps):
        v = np.trunc(64 * leak * v) / 64 + sent @ synapses.T
        fired = v > threshold
        v = np.where(fired & (reset == HARD), 0, np.where(fired & (reset == SOFT), v - threshold, v))
        spikes[:, step] = fired
        sent = np.concatenate([fired, inputs[:, step]], axis=1)
    return spikes


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with np.load(folder / "network.npz") as network:
        np.savez(folder / "spikes.npz", spikes=simulate(**network))
