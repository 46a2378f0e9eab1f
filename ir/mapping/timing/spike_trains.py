"""
Who fires in every step of the samples' windows, from what populations emitted.

A step of the model is several steps of the chip where counts are coded in time, or loops have several populations in sequence.
What has micro-steps fires in these, all else in the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array, Graph
from ir.mapping.relation import Relation
from ir.mapping.timing.ways import Ways


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """The spikes of some samples, chip step by chip step of their windows."""

    counts: Array
    """float (samples, chip steps of a window, ways), how many neurons of every way fire."""
    neurons: Mapping[str, Relation] | None
    """
    Population or input -> chip step of all windows, sample after sample -> its neurons that fire then; None where some are known
    by how often they fire.
    """
    mean: Array
    """float (ways,), how many neurons of every way fire in a step on average, of all samples that these were taken from."""

    def of(self, samples: int) -> SpikeTrains:
        """Of the first samples."""
        rows = np.arange(samples * self.counts.shape[1])
        neurons = self.neurons and {name: fired.take(rows) for name, fired in self.neurons.items()}
        return SpikeTrains(self.counts[:samples], neurons, self.mean)


def spike_trains(
    graph: Graph, ways: Ways, emitted: Mapping[str, Array | float], shape: tuple[int, int, int]
) -> SpikeTrains:
    """
    Who fires when.

    Args:
        emitted: population or input -> (T, samples, *its shape), in which all but zeros are spikes; where nothing recorded
            them, how often a neuron fires in a step of the model.
        shape: samples, the most steps that a window has, and the chip's steps in each of them.
    """
    samples, steps, inside = shape
    rows, neurons = samples * steps * inside, dict[str, Relation]()
    counts = np.zeros((rows, ways.count))
    for name, way in ways.of.items():
        node, values = graph.nodes[name], emitted[name]
        micro = node.type.size // len(way)
        if isinstance(values, np.ndarray):
            fired = values.reshape(len(values), -1, micro, len(way))
            step, sample, place, neuron = np.nonzero(fired[:, :samples])
            neurons[name] = Relation.of((sample * steps + step) * inside + place, neuron, rows)
            np.add.at(counts, (neurons[name].sets, way[neurons[name].members]), 1)
        else:
            own = node.type.steps or steps
            often = np.bincount(way, minlength=ways.count) * values / micro
            counts.reshape(samples, steps, inside, -1)[:, :own, :micro] += often
    every = len(neurons) == len(ways.of)
    windows = counts.reshape(samples, steps * inside, ways.count)
    return SpikeTrains(windows, neurons if every else None, windows.mean(axis=(0, 1)))
