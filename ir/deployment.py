"""A network on its way to a target: what the host computes before the chip, what the chip runs, what the host does after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ir.analysis.schedule import Schedule
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder, Node
from ir.ops import Input
from ir.profile import Profile
from ir.quantize.calibration import ValueStatistics
from ir.quantize.neurons.distinct import MembraneUnits
from ir.quantize.report import QuantizationReport
from ir.verify import verify


@dataclass(frozen=True)
class Deployment:
    """
    Three graphs that run one after another, and what the passes so far have found out about them.

    An input of the epilogue is named like the value that it reads: an output of the chip, a model input, or an output of the
    prologue. A prologue output that no chip input reads is for the epilogue. Spikes at the border of the model pass through
    prologue and epilogue unchanged.
    """

    prologue: Graph
    """Model inputs -> chip inputs (real values, by name)."""
    chip: Graph
    """What becomes synapses and neurons; the types of its inputs carry the scale at which the host hands over integers."""
    epilogue: Graph
    """Chip outputs, and model inputs or prologue values where it needs them -> model outputs."""
    scales: Mapping[str, float] = field(default_factory=dict[str, float])
    """Population or chip input -> real value of one integer that it emits; 1 for those that are not listed."""
    membranes: Mapping[str, MembraneUnits] = field(default_factory=dict[str, MembraneUnits])
    """Population -> (real value of one unit of its membrane, real value of 0) of what was rounded; none where nothing was."""
    floating: Graph | None = None
    """The chip's graph in the source's own arithmetic, once `chip` is integers; None for a network that never was floats."""
    statistics: Mapping[str, ValueStatistics] = field(default_factory=dict[str, ValueStatistics])
    """Chip input or population -> what it did on the calibration samples."""
    quantization: QuantizationReport | None = None
    """What rounding did to every population."""
    schedule: Schedule | None = None
    """When every population works on a sample."""

    @staticmethod
    def of(graph: Graph) -> Deployment:
        """All of a network as the chip's part, as it comes from a frontend: the host passes inputs and outputs on."""
        inputs = {node.name: node for node in graph.inputs}
        outputs = {value: graph.nodes[value] for value in graph.outputs.values()}
        prologue = _passing_on(f"{graph.name}.prologue", graph, inputs, {name: name for name in inputs})
        return Deployment(prologue, graph, _passing_on(f"{graph.name}.epilogue", graph, outputs, graph.outputs))

    def verify(self, level: str) -> None:
        """Check all three graphs; CompileError where the chip's is not legal at `level`."""
        for graph, legal in ((self.prologue, "host"), (self.chip, level), (self.epilogue, "host")):
            verify(graph, legal)

    def on_chip(self, rewrite: Callable[[Graph], Graph]) -> Deployment:
        """The deployment with another graph for the chip; itself where the graph stays the same object."""
        chip = rewrite(self.chip)
        return self if chip is self.chip else replace(self, chip=chip)

    def lasting(self, steps: int) -> Deployment:
        """The same graphs for windows of another number of steps."""
        floating = None if self.floating is None else self.floating.lasting(steps)
        prologue, chip, epilogue = (graph.lasting(steps) for graph in (self.prologue, self.chip, self.epilogue))
        return replace(self, prologue=prologue, chip=chip, epilogue=epilogue, floating=floating)

    def bare(self) -> Deployment:
        """What it takes to run: the graphs and the scales."""
        return Deployment(self.prologue, self.chip, self.epilogue, self.scales, self.membranes)

    def encode(self, values: Mapping[str, Any]) -> dict[str, Array]:
        """
        What the host hands to the chip: (T, B, *shape), integers where the chip is integer.

        Args:
            values: output of the prologue -> array (T or 1, B, *shape) of real numbers.
        """
        return {node.name: _encoded(node, values[node.name], self.chip) for node in self.chip.inputs}


@dataclass(frozen=True)
class Context:
    """What a pass may know beside the deployment."""

    profile: Profile
    """The chip's features, integer formats and limits."""
    strategies: Mapping[str, str] = field(default_factory=dict[str, str])
    """Operation or module path -> the user's choice among the lowerings."""
    calibration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Model input -> array (T or 1, B, *shape) of values that are typical of what the network will see."""
    rounds: bool = True
    """Whether the chip's graph becomes integers; else it keeps the source's arithmetic."""
    own_steps: bool = True
    """Whether rows of float weights take steps of their own; else powers of two, as what is trained for few bits begins with."""


def _passing_on(name: str, graph: Graph, values: Mapping[str, Node], outputs: Mapping[str, str]) -> Graph:
    """A graph of the host that computes nothing."""
    builder = GraphBuilder(name, graph.steps, dtype=graph.dtype)
    for value, node in values.items():
        builder.add(Input(str(node.type)), name=value, provenance=node.provenance)
    return builder.build(outputs)


def _encoded(node: Node, value: Any, chip: Graph) -> Array:
    steps = chip.steps or value.shape[0]
    wide = np.asarray(array_namespace(value).broadcast_to(value, (steps, *value.shape[1:])))
    if node.type.domain.kind == "spike":
        return wide.astype(np.uint8)
    if not chip.is_integer:
        return wide
    top = 1 << (node.type.domain.bound - 1)
    numbers = np.divide(wide, node.type.scale, dtype=np.float64)
    if np.isnan(numbers.min(initial=0)):
        what = f"what the host computes for %{node.name} is no number"
        raise CompileError("run.finite", what, where=node.provenance.module, hint="use smaller inputs")
    np.clip(np.rint(numbers, out=numbers), -top, top - 1, out=numbers)  # in place: memory costs more than arithmetic
    return numbers.astype(np.int32)
