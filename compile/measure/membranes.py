"""What the membranes of a few neurons did in one sample, in the units of the imported network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backends.interpreter import InterpreterEngine
from backends.trace import Array
from compile.stages.host_inputs import steps_of
from compile.stages.phase import Phase, with_engines
from compile.stages.program import Program
from ir.analysis.layers import is_population_of_the_model
from ir.analysis.resources import node_resources
from ir.graph import Graph, Node
from ir.ops.integer_neuron import FiringNeuron
from ir.ops.population import Stepwise, total_current

SHOWN = 4
"""Neurons of a population."""
MOST = 500_000_000
"""Synapses times steps of a network whose membranes are computed: so many take some seconds."""


@dataclass(frozen=True)
class Membranes:
    """Of the neurons of one population that fire most, K of them."""

    neurons: Array
    """(K,) which ones, in C order of the population's shape."""
    v: Array
    """(T, K) at every step what the threshold is compared with, before the reset; without a threshold v after the step."""
    threshold: Array | None
    """(K,), what v must exceed, in the same units; None for a population without one that stays."""


def membranes(program: Program, sample: Mapping[str, Any]) -> dict[str, Membranes]:
    """
    What the membranes of the model's populations do, computed by the interpreter.

    Args:
        sample: inputs of one sample, as the program takes them; {} for none.

    Returns:
        Population -> its membranes; {} for a network without any, or too large to be interpreted.
    """
    if not sample:
        return {}
    program = program.at(steps_of(program.deployment.prologue, program.host_inputs(sample)))
    synapses = sum(row.synapses for row in node_resources(program.deployment.chip))
    if not program.populations or synapses * max(program.steps, 1) > MOST:
        return {}
    watches = list[_Watch]()

    def watched(phase: Phase) -> InterpreterEngine:
        watches.append(_Watch(phase.deployment.chip))
        return InterpreterEngine(phase.deployment.chip, watches[-1])

    replace(program, phases=with_engines(program.phases, watched)).run(sample, ())
    found = dict[str, Membranes]()
    for watch, phase in zip(watches, program.phases, strict=True):
        for name, own in watch.found.items():
            called = phase.names.get(name, name)
            units, shape = program.membranes.get(called, (1.0, 0.0)), watch.chip.nodes[name].type.shape
            scale, zero = (np.broadcast_to(each, shape).ravel()[own.neurons] for each in units)
            threshold = None if own.threshold is None else own.threshold * scale + zero
            found[called] = Membranes(own.neurons, own.v * scale + zero, threshold)
    return found


@dataclass
class _Watch:
    """Sees all values of a chip graph, and takes the steps of its populations again."""

    chip: Graph
    values: dict[str, Array] = field(default_factory=dict[str, Array])
    found: dict[str, Membranes] = field(default_factory=dict[str, Membranes])
    """In the chip's units."""

    def __call__(self, node: Node, value: Array) -> None:
        """Keep a value; those that a population reads are there before it."""
        self.values[node.name] = value
        op, reads = node.op, [self.values[name] for name in node.inputs if name in self.values]
        if isinstance(op, Stepwise) and is_population_of_the_model(node) and len(reads) == len(node.inputs):
            self.found[node.name] = _membranes(op, self.chip.arrays(node), reads, value)


def _membranes(op: Stepwise, params: Mapping[str, Array], reads: Sequence[Array], emitted: Array) -> Membranes:
    steps = len(emitted)
    most = np.sort(np.argsort(-emitted[:, 0].reshape(steps, -1).sum(axis=0), kind="stable")[:SHOWN])
    x = total_current(tuple(reads), params if op.bias_is_current else {}, steps)[:, :1]
    state, v = op.begin(x[0], params), list[Array]()
    for now in x:
        compared = op.compared(state, now, params)[1] if isinstance(op, FiringNeuron) else None
        _, state = op.step(state, now, params)
        v.append(np.asarray(state.v if compared is None else compared).ravel()[most])
    level = None
    if isinstance(op, FiringNeuron):
        level = np.broadcast_to(op.level(params), emitted.shape[2:]).ravel()[most]
    return Membranes(most, np.stack(v), level)
