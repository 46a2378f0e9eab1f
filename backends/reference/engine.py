"""
The batch-parallel torch engine: layer by layer, all steps of a window in the rows of one product, events from spikes x fan-out.

Loops, and only they, run step by step. Integer networks compute exactly what the chip computes; networks in the source's
arithmetic accumulate in float64 and round once (float64 ones add without error), so that a result depends neither on the batch
nor on the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch

from backends.reference.devices import Means, means_of
from backends.reference.plan.plan import plan_of
from backends.reference.run.prepared import Prepared, Runner
from backends.trace import Array, Trace
from ir.errors import CompileError
from ir.graph import Graph, Node


class ReferenceEngine:
    """
    Runs a chip graph, level quantized (integers) or synaptic (the source's arithmetic), on torch.

    device: where it runs; CUDA by itself where there is a GPU.
    """

    def __init__(self, chip: Graph, device: str | None = None) -> None:
        self.chip = chip
        if device is not None and device.startswith("cuda") and not torch.cuda.is_available():
            raise CompileError("run.device", "torch finds no CUDA device here", hint="use device='cpu'")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._runners: dict[frozenset[str], Runner] = {}

    def describe(self) -> str:
        """What runs the network, in words."""
        return self._means.describe()

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """
        Run samples from zero state, see `backends.trace.Engine`.

        Raises:
            CompileError: an input or a probe does not fit the graph.
        """
        samples = {node.name: _checked(node, inputs, self.chip.steps) for node in self.chip.inputs}
        _check_probes(self.chip, probes)
        results = self._runner(probes)(samples)
        steps, batch = next(iter(samples.values())).shape[:2]
        return Trace(results.outputs, results.spikes, results.counter.events(batch, steps))

    @cached_property
    def _means(self) -> Means:
        return means_of(self.device)

    def _runner(self, probes: tuple[str, ...]) -> Runner:
        """The network prepared for these probes; made once."""
        known = frozenset(probes)
        if known not in self._runners:
            prepared = Prepared(plan_of(self.chip, known), self.device, self._means.forms, tuple(sorted(known)))
            self._runners[known] = self._means.runner(prepared)
        return self._runners[known]


def _checked(node: Node, inputs: Mapping[str, Array], steps: int) -> Array:
    """One input as (T, B, *shape); CompileError where it is missing or does not fit."""
    if node.name not in inputs:
        raise CompileError("run.input", f"missing input {node.name!r}", hint=f"shape (T, B, *{node.type.shape})")
    array = inputs[node.name]
    if array.ndim < 2 or array.shape[2:] != node.type.shape or (steps and array.shape[0] != steps):
        raise CompileError(
            "run.shape", f"input {node.name!r} has shape {array.shape}", hint=f"(T, B, *{node.type.shape})"
        )
    return np.ascontiguousarray(array)


def _check_probes(chip: Graph, probes: tuple[str, ...]) -> None:
    known = [node.name for node in chip.nodes.values() if node.op.family in ("neuron", "input")]
    unknown = [name for name in probes if name not in known]
    if unknown:
        raise CompileError("run.probe", f"{unknown[0]!r} is no population", hint=f"known: {', '.join(known)}")
