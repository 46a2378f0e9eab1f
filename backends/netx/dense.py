"""A dense layer: all of its populations and relays as one vector, with a weight and a delay for every synapse."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.netx.layer import NetxLayer
from backends.netx.levels import LayeredNetwork
from backends.netx.neurons import SHIFT, NetxNeurons, neurons_of, relays
from backends.netx.taps import MOST_ELEMENTS, taps_of
from backends.netx.weights import check_matrices
from ir.errors import CompileError, first_names
from ir.graph import Array

RELAY_WEIGHT = 2
"""Of the synapse onto a relay: more than its threshold, and even, as weights of both signs may have to be."""
INT32_ROOM = (1 << 31) - (1 << 24)
"""In which Lava's neuron shifts a sum before it adds it to the current, without wrapping."""


def dense_layer(levels: LayeredNetwork, level: int) -> NetxLayer:
    """
    One layer of `levels` as a matrix.

    Raises:
        CompileError: what a matrix of such synapses, or its neurons, cannot be.
    """
    matrix = _Matrix(levels, level)
    for name, place in levels.places(level).items():
        try:
            matrix.relay(name, place) if levels.is_relay(level, name) else matrix.add(name, place)
        except CompileError as error:
            raise error.placed(str(levels.graph.nodes[name].provenance)) from None
    return matrix.layer()


class _Matrix:
    """The synapses of a layer under construction."""

    def __init__(self, levels: LayeredNetwork, level: int) -> None:
        self.graph, self.bounds, self.sources = levels.graph, levels.bounds, levels.places(level - 1)
        self.names, self.neurons = levels.members[level], list[NetxNeurons]()
        shape = (levels.size(level), levels.size(level - 1))
        if shape[0] * max(shape) > MOST_ELEMENTS:
            names = first_names([f"%{name}" for name in self.names], 3)
            what = f"{names}: a layer of {shape[0]:,} x {shape[1]:,} weights, more than {MOST_ELEMENTS:,}"
            where = str(self.graph.nodes[self.names[0]].provenance)
            raise CompileError("netx.size", what, where=where, hint="use fewer neurons, or convolve images alone")
        self.weight, self.delay = np.zeros(shape, np.int64), np.full(shape, -1)
        self.recurrent = np.zeros((shape[0], shape[0]), np.int64)

    def relay(self, name: str, place: slice) -> None:
        """Neurons that fire with the element of the same place."""
        one_to_one = np.eye(place.stop - place.start, dtype=np.int64)
        self.weight[place, self.sources[name]] = RELAY_WEIGHT * one_to_one
        self.delay[place, self.sources[name]] = one_to_one - 1
        self.neurons.append(relays(len(one_to_one)))

    def add(self, name: str, place: slice) -> None:
        """A population with its synapses."""
        node = self.graph.nodes[name]
        self.neurons.append(neurons_of(self.graph, node))
        if sum(self.bounds[operand] for operand in node.inputs) << SHIFT > INT32_ROOM:
            raise CompileError("netx.range", f"%{name}: its sums could leave 32 bits", hint="use smaller inputs")
        for operand in node.inputs:
            for (source, late), weights in taps_of(self.graph, operand).items():
                if source != name:
                    self._connect(name, place, self.sources[source], weights, late)
                elif late == 1:
                    self.recurrent[place, place] += weights.toarray()
                else:
                    what = f"%{name} feeds back to itself after {late} steps; in netx that takes one"
                    raise CompileError("netx.loop", what)

    def _connect(self, name: str, rows: slice, columns: slice, weights: Any, late: int) -> None:
        """Synapses of one delay."""
        block, before = weights.toarray(), self.delay[rows, columns]
        if ((block != 0) & (before >= 0) & (before != late)).any():
            what = f"%{name}: two synapses between the same neurons, of different delays"
            raise CompileError("netx.delay", what, hint="delay by as many steps on all ways")
        self.weight[rows, columns] += block
        self.delay[rows, columns] = np.where(block != 0, late, before)

    def layer(self) -> NetxLayer:
        """The finished layer."""
        known, recurrent = self.delay[self.delay >= 0], bool(self.recurrent.any())
        check_matrices(self.names[0], self.weight, *([self.recurrent] if recurrent else []))
        delays = np.where(
            self.delay < 0, min(known.tolist(), default=0), self.delay
        )  # where there is no synapse, any will do
        targets, sources = self.weight.shape
        synapses = {"inFeatures": np.array(sources), "outFeatures": np.array(targets), "weight": self.weight}
        if recurrent:
            synapses["weight_rec"] = self.recurrent
        parts = ("i_decay", "v_decay", "threshold", "bias")
        joined: dict[str, Array] = {
            part: np.concatenate([getattr(each, part) for each in self.neurons]) for part in parts
        }
        kind = "dense_rec" if recurrent else "dense"
        return NetxLayer(kind, (targets,), synapses, NetxNeurons(**joined), delays)
