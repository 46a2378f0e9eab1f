"""The engine that runs a chip graph in SANA-FE, and makes a trace of the spikes that come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backends.inputs import InputCheck, check_probes
from backends.lava.events import count_events
from backends.sanafe.emit import first_neurons, flat_network, violations
from backends.sanafe.exchange import run_command
from backends.sanafe.neurons import leaves_range, violation
from backends.trace import Array, Trace
from ir.analysis.fan_in import populations
from ir.analysis.schedule import schedule
from ir.errors import DeployError
from ir.graph import Graph, Node
from ir.interpreter import interpret
from ir.mapping.core_map import CoreMap
from ir.ops import Input
from ir.verify import verify


class SanafeEngine:
    """Runs a chip graph (level quantized) on the cores of a map, sample after sample."""

    def __init__(self, chip: Graph, cores: CoreMap, command: Sequence[str]) -> None:
        """
        Check that SANA-FE has a counterpart of everything in the network.

        Args:
            command: what runs a flat network, see `backends.sanafe.exchange`.
        """
        verify(chip, "quantized")
        found = violations(chip)
        if found:
            raise DeployError(found)
        cores.check(chip)
        self.chip, self.cores, self.command = chip, cores, command

    def describe(self) -> str:
        """What runs the network, in words."""
        return f"SANA-FE, {self.cores.cores} core{'s' if self.cores.cores > 1 else ''}"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """See `backends.trace.Engine`; CompileError, too, where the command fails."""
        samples = InputCheck(self.chip, "sanafe.input").checked(inputs)
        check_probes(self.chip, probes, "sanafe.input")
        steps, batch = next(iter(samples.values())).shape[:2]
        spikes = run_command(self.command, flat_network(self.chip, self.cores, samples)).swapaxes(0, 1)
        emitted, first, depth = dict(samples), first_neurons(self.chip), schedule(self.chip).depth
        for node in populations(self.chip):
            begin, end = first[node.name], first[node.name] + node.type.size
            window = spikes[depth[node.name] : depth[node.name] + steps, :, begin:end]
            emitted[node.name] = window.reshape(steps, batch, *node.type.shape)
        activity = {name: np.count_nonzero(values, axis=1).reshape(steps, -1) for name, values in emitted.items()}
        events = count_events(self.chip, activity, batch, steps)
        return Trace.of(self.chip, self._outputs(emitted), {name: emitted[name] for name in probes}, events)

    def _outputs(self, emitted: Mapping[str, Array]) -> dict[str, Array]:
        """What the chip's outputs make of the emissions; DeployError where these drive neurons out of their range."""
        read_out = replace(self.chip, nodes={name: _as_input(node) for name, node in self.chip.nodes.items()})
        given, values = {name: array.astype(np.int64) for name, array in emitted.items()}, dict[str, Array]()
        outputs = interpret(read_out, given, lambda node, value: values.update({node.name: value}))
        what = "is folded or clipped to its bits in this run, and not in SANA-FE"
        currents = {node: np.sum([values[name] for name in node.inputs], axis=0) for node in populations(self.chip)}
        left = [node for node, current in currents.items() if leaves_range(node, self.chip.arrays(node), current)]
        if left:
            raise DeployError([violation(node, "range", what) for node in left])
        return {name: np.asarray(value) for name, value in outputs.items()}


def _as_input(node: Node) -> Node:
    """A population as an input of what is behind it."""
    return replace(node, op=Input(str(node.type)), inputs=(), params=()) if node.op.family == "neuron" else node
