"""
A chip graph on its cores as a flat list of neurons, synapses and input spikes, in hardware steps.

A synapse takes one step and no more, so what arrives later goes through relays: memoryless neurons on the cores of those that
they repeat. A population at depth d works on a sample in steps d ... d + T - 1 (counted from 0); what acts in its window alone
(bias, start) comes from an input that fires then. Payloads and counts of the host are inputs for every bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.sanafe.neurons import HINT, RESETS, FlatNeurons, flat_neurons, obstacle
from ir.analysis.fan_in import fan_in_cone, populations
from ir.analysis.schedule import schedule
from ir.errors import Violation
from ir.graph import Array, Graph, Node
from ir.mapping.connection_matrices import connection_matrices
from ir.mapping.core_map import CoreMap

RESET_CODES = {reset: code for code, reset in enumerate(sorted(RESETS.values()))}
"""hard, none and soft as numbers."""


@dataclass(frozen=True)
class FlatNetwork:
    """Neurons are numbered from 0; inputs, which are on no core, follow them."""

    cores: Array
    """int32 (neurons,)."""
    threshold: Array
    """float64 (neurons,), as all numbers of neurons and synapses."""
    leak: Array
    reset: Array
    """uint8 (neurons,), see `RESET_CODES`."""
    sources: Array
    """int32 (synapses,), neurons and inputs."""
    targets: Array
    """int32 (synapses,), neurons."""
    weights: Array
    inputs: Array
    """uint8 (samples, steps, inputs), their spikes."""


def violations(chip: Graph) -> list[Violation]:
    """Everything in a chip graph of which SANA-FE has no counterpart."""
    found = [obstacle(chip, node) for node in populations(chip)]
    plan = schedule(chip)
    if plan.loop_steps > 1:
        what = f"a loop has {plan.loop_steps} populations in sequence, and a synapse takes a whole step"
        found.append(Violation(rule="sanafe.loop", what=what, where=chip.name, hint=HINT))
    return [each for each in found if each is not None]


def first_neurons(chip: Graph) -> dict[str, int]:
    """Population -> the number of its first neuron; those of a population follow each other in C order."""
    sizes = {node.name: node.type.size for node in populations(chip)}
    return dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))


def flat_network(chip: Graph, cores: CoreMap, inputs: Mapping[str, Array]) -> FlatNetwork:
    """
    The network with the samples that it is to run.

    Args:
        chip: a quantized graph without `violations`.
        inputs: chip input -> whole numbers (T, B, *shape).
    """
    emission = _Emission(chip, cores, inputs)
    for node in populations(chip):
        emission.connect(node)
    return emission.network()


class _Emission:
    """A flat network under construction; inputs are numbered -1, -2, ... until all neurons are known."""

    def __init__(self, chip: Graph, cores: CoreMap, inputs: Mapping[str, Array]) -> None:
        self.chip, self.inputs, self.depth = chip, inputs, schedule(chip).depth
        self.window, self.samples = next(iter(inputs.values())).shape[:2]
        self.steps = self.window + max(self.depth.values())
        self.flat = {node.name: flat_neurons(chip, node) for node in populations(chip)}
        self.first = first_neurons(chip)
        sizes = {name: chip.nodes[name].type.size for name in self.flat}
        self.core_of = {
            name: np.resize(cores.core_of[name], size) for name, size in sizes.items()
        }  # alike in micro-steps
        self.cores, self.neurons = list(self.core_of.values()), list(self.flat.values())
        self.size, self.spikes = sum(map(len, self.cores)), list[Array]()
        self.synapses: list[tuple[Array, Array, Array]] = []
        self.relays: dict[tuple[str, int], Array] = {}
        self.bits: dict[tuple[str, int], list[tuple[Array, int]]] = {}
        self.timers: dict[tuple[int, int], int] = {}

    def connect(self, node: Node) -> None:
        """All synapses into a population."""
        neurons, first = self.flat[node.name], self.first[node.name]
        for source, lag, matrix in self._wiring(node):
            for numbers, worth in self._senders(source, lag):
                self._connect_matrix(numbers, matrix, neurons.gain * worth, first, neurons.copies)
        start = self.depth[node.name] - 1
        for amounts, steps in ((neurons.bias, self.window), (neurons.start, 1)):
            (targets,) = np.nonzero(amounts)
            if len(targets):
                self._add(np.full(len(targets), self._timer(start, steps)), first + targets, amounts[targets])
        (echoing,) = np.nonzero(neurons.echo)
        self._add(first + echoing, first + echoing, neurons.echo[echoing])

    def network(self) -> FlatNetwork:
        """What has been built."""
        sources, targets, weights = (np.concatenate(part) for part in zip(*self.synapses, strict=True))
        resets = [np.full(len(each.threshold), RESET_CODES[each.reset]) for each in self.neurons]
        return FlatNetwork(
            np.concatenate(self.cores).astype(np.int32),
            np.concatenate([each.threshold for each in self.neurons]),
            np.concatenate([each.leak for each in self.neurons]),
            np.concatenate(resets).astype(np.uint8),
            np.where(sources < 0, self.size - 1 - sources, sources).astype(np.int32),
            targets.astype(np.int32),
            weights.astype(np.float64),
            np.concatenate([np.zeros((self.samples, self.steps, 0), np.uint8), *self.spikes], axis=2),
        )

    def _wiring(self, node: Node) -> Iterator[tuple[str, int, Any]]:
        """(source, steps by which it is late, weights), without what is late beyond the window."""
        for current in dict.fromkeys(node.inputs):
            for source in fan_in_cone(self.chip, (current,), back_edges=True).sources:
                late = self.depth[node.name] - self.depth[source] - 1
                for delay, matrix in connection_matrices(self.chip, current, source).items():
                    if delay < self.window:
                        yield source, late + delay, matrix.tocoo() * node.inputs.count(current)

    def _connect_matrix(self, numbers: Array, matrix: Any, gain: float, first: int, copies: int) -> None:
        for copy in range(copies):
            targets = first + copy * matrix.shape[0] + matrix.row
            self._add(numbers[matrix.col], targets, matrix.data * gain)

    def _add(self, sources: Array, targets: Array, weights: Array) -> None:
        self.synapses.append((sources, targets, weights))

    def _senders(self, source: str, lag: int) -> list[tuple[Array, int]]:
        """(numbers, what a spike is worth) of all that send a value, so many steps late."""
        if source in self.flat:
            return [(self._relayed(source, lag), 1)]
        if (source, lag) not in self.bits:
            self.bits[source, lag] = [(self._input(bit, lag), worth) for bit, worth in _bits(self.inputs[source])]
        return self.bits[source, lag]

    def _relayed(self, source: str, lag: int) -> Array:
        """The neurons that repeat those of a population, so many steps late."""
        if (source, lag) not in self.relays:
            size = self.chip.nodes[source].type.size
            if lag:
                self.relays[source, lag] = self._relays(self._relayed(source, lag - 1), size, source)
            else:
                self.relays[source, lag] = self.first[source] + np.arange(size)
        return self.relays[source, lag]

    def _relays(self, repeated: Array, size: int, source: str) -> Array:
        numbers, zero = self.size + np.arange(size), np.zeros(size)
        self.cores.append(self.core_of[source])
        self.neurons.append(FlatNeurons(1.0, zero + 0.5, zero, "hard", zero, zero, zero))
        self.size += size
        self._add(repeated, numbers, zero + 1)
        return numbers

    def _input(self, values: Array, first: int) -> Array:
        """Inputs that fire where values (T, B, n) are set, the first of them in step `first`; their numbers."""
        spikes = np.zeros((self.samples, self.steps, values.shape[2]), np.uint8)
        spikes[:, first : first + len(values)] = values.swapaxes(0, 1)[:, : self.steps - first]
        numbers = -1 - sum(each.shape[2] for each in self.spikes) - np.arange(values.shape[2])
        self.spikes.append(spikes)
        return numbers

    def _timer(self, first: int, steps: int) -> int:
        """An input that fires in `steps` steps from `first` on."""
        if (first, steps) not in self.timers:
            (self.timers[first, steps],) = self._input(np.ones((steps, self.samples, 1)), first)
        return self.timers[first, steps]


def _bits(values: Array) -> list[tuple[Array, int]]:
    """Whole numbers (T, B, *shape) in two's complement: (T, B, size) of every bit that is ever set, and its worth."""
    values = values.reshape(*values.shape[:2], -1).astype(np.int64)
    width = max(int(values.max(initial=0)).bit_length(), int(-1 - values.min(initial=0)).bit_length())
    worths = {bit: 1 << bit for bit in range(width)} | {width: -1 << width}
    return [(bits, worth) for bit, worth in worths.items() if (bits := (values >> bit) & 1).any()]
