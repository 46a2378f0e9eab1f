"""
How many neurons of every way fire in every step of the samples' windows, from what populations emitted.

A step of the model is several steps of the chip where counts are coded in time, or loops have several populations in sequence.
What has micro-steps fires in these, all else in the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array, Graph
from ir.mapping.timing.ways import Ways


def spike_counts(graph: Graph, ways: Ways, emitted: Mapping[str, Array | float], shape: tuple[int, int, int]) -> Array:
    """
    Float (samples, chip steps of a window, ways).

    Args:
        emitted: population or input -> (T, samples, *its shape), in which all but zeros are spikes; where nothing recorded
            them, how often a neuron fires in a step of the model.
        shape: samples, the most steps that a window has, and the chip's steps in each of them.
    """
    samples, steps, inside = shape
    counts = np.zeros((samples, steps, inside, ways.count))
    for name, way in ways.of.items():
        node, values = graph.nodes[name], emitted[name]
        micro = node.type.size // len(way)
        if isinstance(values, np.ndarray):
            fired = values.reshape(len(values), -1, micro, len(way))
            step, sample, place, neuron = np.nonzero(fired[:, :samples])
            np.add.at(counts, (sample, step, place, way[neuron]), 1)
        else:
            own = node.type.steps or steps
            counts[:, :own, :micro] += np.bincount(way, minlength=ways.count) * values / micro
    return counts.reshape(samples, steps * inside, ways.count)
