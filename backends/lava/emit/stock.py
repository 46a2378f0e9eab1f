"""
The stock emission: Lava's own processes as shipped, wherever they can say the network.

A population becomes a LIFReset, each of its currents a Sparse per source, and skipped steps a DelaySparse of unit synapses
that all late readers of a source share. What Lava has no process for (graded, gate and burst neurons, other resets, decays of
single neurons, numbers that its formats cannot hold, delays and loops, whose memory Lava's synapses keep from one window to
the next) becomes a core of our own with that one population, or those of one loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.lava.core.core import Core, core_groups
from backends.lava.core.dtypes import port_dtype
from backends.lava.core.recording import Recording
from backends.lava.core.stage import READOUT
from backends.lava.core.worker import CoreWorker, HostWorker
from backends.lava.emit.blueprint import Blueprint, CorePart, LifPart, Part, Port, SynapsesPart, emission_of, finish
from backends.lava.emit.matrix import StoredMatrix, stored_matrix
from backends.lava.timing import Timing
from backends.lava.validate import magnitude_bounds
from ir.analysis.fan_in import fan_in_cone
from ir.analysis.limits import trailing_zeros
from ir.analysis.plain_neurons import plain_lif
from ir.graph import Array, Graph, Node
from ir.mapping.connection_matrices import connection_matrices
from ir.ops.integer_neuron import IntegerLif

LONGEST_DELAY = 63
"""Longest delay of Lava's DelaySparse in steps (6 bits)."""
LAVA_LIF = (6, 12, 24, ">")
"""Activation shift, decay bits, state bits and comparator of Lava's LIF, which are fixed."""
INT32_TOP, MANTISSA_TOP = 1 << 31, 1 << 15


def emit_stock(graph: Graph, timing: Timing, recordings: Mapping[str, Recording]) -> Blueprint:
    """The network as Lava's own processes; `recordings` says what is recorded."""
    emission = _StockEmission(graph, timing, recordings)
    for group in sorted(core_groups(graph, timing), key=lambda names: timing.depth[names[0]]):
        emission.add_group(group)
    for output in graph.outputs:
        emission.add_output(output)
    emission.add_recorder()
    return finish(graph, timing, emission.parts, emission.wires, port_dtype(graph))


class _StockEmission:
    """A blueprint under construction."""

    def __init__(self, graph: Graph, timing: Timing, recordings: Mapping[str, Recording]) -> None:
        self.graph, self.timing, self.recordings = graph, timing, recordings
        self.bounds = magnitude_bounds(graph)
        self.parts: dict[str, Part] = {}
        self.wires: list[tuple[Port, Port]] = []
        self.ports: dict[tuple[str, int], Port] = {(node.name, 0): ("", node.name) for node in graph.inputs}
        self.recorded: list[str] = []

    def add_group(self, names: tuple[str, ...]) -> None:
        """One population with its synapses, or those of a loop, which share a core."""
        node = self.graph.nodes[names[0]]
        synapses = self._synapses(node) if len(names) == 1 else None
        lif = _lif_part(self.graph, node, self.timing) if synapses is not None else None
        if synapses is None or lif is None or self._overflows(node, synapses):
            self._add_core(names)
            return
        self.parts[node.name] = lif
        self.ports[node.name, 0] = (node.name, "s_out")
        self.recorded += [node.name] if node.name in self.recordings else []
        for (current, source), matrix in synapses.items():
            part = f"{node.name}<{current}<{source}"
            self.parts[part] = SynapsesPart(matrix.weights, matrix.sign, matrix.exponent)
            lag = self.timing.depth[node.name] - self.timing.depth[source]
            self.wires.append((self._late(source, lag - 1), (part, "s_in")))
            self.wires.append(((part, "a_out"), (node.name, "a_in")))

    def add_output(self, output: str) -> None:
        """A chip output: the population's own port, or that of a readout."""
        emission = emission_of(self.graph, output)
        if emission.startswith(READOUT):
            self._add_core((emission,))
        self.wires.append((self.ports[emission, 0], ("", output)))

    def add_recorder(self) -> None:
        """A process of our own that records what Lava's neurons emit."""
        if not self.recorded:
            return
        recordings = [self.recordings[name] for name in self.recorded]
        sizes = [self.graph.nodes[name].type.size for name in self.recorded]
        self.parts["recorder"] = CorePart(HostWorker([], recordings, sizes, port_dtype(self.graph)))
        self.wires += [(self.ports[name, 0], ("recorder", f"in_{k}")) for k, name in enumerate(self.recorded)]

    def _add_core(self, emissions: tuple[str, ...]) -> None:
        core, part = Core(self.graph, self.timing, emissions, self.recordings), emissions[0]
        self.parts[part] = CorePart(CoreWorker(core, emissions))
        self.ports |= {(emission, 0): (part, f"out_{k}") for k, emission in enumerate(emissions)}
        self.wires += [(self.ports[name, 0], (part, f"in_{k}")) for k, name in enumerate(core.receives)]

    def _synapses(self, node: Node) -> dict[tuple[str, str], StoredMatrix] | None:
        """(current, source) -> matrix in Lava's format, without silent ones; None where Lava cannot say one of them."""
        if plain_lif(node) is None or fan_in_cone(self.graph, node.inputs).remembers:
            return None
        matrices: dict[tuple[str, str], StoredMatrix] = {}
        for current in dict.fromkeys(node.inputs):
            for source in fan_in_cone(self.graph, (current,)).sources:
                for weights in connection_matrices(self.graph, current, source).values():
                    stored = stored_matrix(weights * node.inputs.count(current))
                    if stored is None:
                        return None
                    matrices[current, source] = stored
        return matrices

    def _overflows(self, node: Node, synapses: Mapping[tuple[str, str], StoredMatrix]) -> bool:
        """Whether a sum could leave the 32 bits in which Lava's synapses and neurons compute."""
        assert isinstance(node.op, IntegerLif)
        total = sum(self.bounds[name] for name in node.inputs)
        largest = max((self._stored_sum(matrix, source) for (_, source), matrix in synapses.items()), default=0)
        return max(total << node.op.shift, largest) >= INT32_TOP - (1 << node.op.state_bits)

    def _stored_sum(self, matrix: StoredMatrix, source: str) -> int:
        rows = abs(matrix.weights.astype(np.int64)).sum(axis=1)
        return int(rows.max()) * self.bounds[source] << max(0, matrix.exponent)

    def _late(self, source: str, steps: int) -> Port:
        """The port that carries an emission `steps` steps late; relays are shared and chained beyond the longest delay."""
        if (source, steps) not in self.ports:
            delay = min(LONGEST_DELAY, steps - 1)
            before = self._late(source, steps - 1 - delay)
            part = f"{source}+{steps}"
            self.parts[part] = SynapsesPart(_identity(self.graph.nodes[source].type.size), "EXCITATORY", 0, delay)
            self.wires.append((before, (part, "s_in")))
            self.ports[source, steps] = (part, "a_out")
        return self.ports[source, steps]


def _identity(size: int) -> Any:
    from scipy import sparse

    return sparse.identity(size, format="csr").astype(np.int32)


def _lif_part(graph: Graph, node: Node, timing: Timing) -> LifPart | None:
    """The neuron in Lava's parameters, or None where its widths or biases differ from what Lava's LIF can hold."""
    op = node.op
    if not isinstance(op, IntegerLif) or (op.shift, op.decay_bits, op.state_bits, op.comparator) != LAVA_LIF:
        return None
    arrays = graph.arrays(node)
    bias = arrays.get("bias", np.zeros(1, np.int64)).astype(np.int64)
    mantissa, exponent = _mantissas(np.broadcast_to(bias, node.type.shape).reshape(-1))
    if np.abs(mantissa).max() >= MANTISSA_TOP:
        return None
    vth = np.broadcast_to(arrays["vth"], node.type.shape).reshape(-1) if "vth" in arrays else op.vth
    return LifPart(node.type.size, op.du, op.dv, vth, mantissa, exponent, timing.depth[node.name])


def _mantissas(bias: Array) -> tuple[Array, Array]:
    """bias = mantissa << exponent with the smallest mantissas."""
    exponent = trailing_zeros(bias)
    return bias >> exponent, exponent
