"""
The batch-parallel torch engine: layer by layer, all steps of a window in the rows of one product, events from spikes x fan-out.

Loops, and only they, run step by step. Integer networks compute exactly what the chip computes; networks in the source's
arithmetic accumulate in float64 and round once (float64 ones add without error), so that a result depends neither on the batch
nor on the engine. How the parts of the engine work together is told in `backends.reference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch

from backends.inputs import InputCheck, check_probes
from backends.reference.devices import ExecutionDevice, execution_device
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.network import DeviceNetwork
from backends.reference.run.tiles import Tiles
from backends.trace import Array, Trace
from ir.errors import CompileError
from ir.graph import Graph


class ReferenceEngine:
    """
    Runs a chip graph, level quantized (integers) or synaptic (the source's arithmetic), on torch.

    Args:
        device: where it runs; CUDA by itself where there is a GPU.
    """

    def __init__(self, chip: Graph, device: str | None = None) -> None:
        self.chip = chip
        if device is not None and device.startswith("cuda") and not torch.cuda.is_available():
            raise CompileError("run.device", "torch finds no CUDA device here", hint="use device='cpu'")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._input_check = InputCheck(chip, "run.input")
        self._tiles: dict[frozenset[str], Tiles] = {}

    def describe(self) -> str:
        """What runs the network, in words."""
        return self._execution_device.describe()

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """
        Run samples from zero state, see `backends.trace.Engine`.

        Raises:
            CompileError: an input or a probe does not fit the graph.
        """
        samples = {name: np.ascontiguousarray(x) for name, x in self._input_check.checked(inputs).items()}
        check_probes(self.chip, probes, "run.probe")
        results = self._prepared(frozenset(probes)).run(samples)
        steps, batch = next(iter(samples.values())).shape[:2]
        return Trace.of(self.chip, results.outputs, results.spikes, results.counter.events(batch, steps))

    @cached_property
    def _execution_device(self) -> ExecutionDevice:
        return execution_device(self.device)

    def _prepared(self, probes: frozenset[str]) -> Tiles:
        """The network prepared for these probes, once for all runs."""
        if probes not in self._tiles:
            plan, kernels = plan_of(self.chip, probes), self._execution_device.kernels
            network = DeviceNetwork(plan, self.device, kernels, tuple(sorted(probes)))
            self._tiles[probes] = self._execution_device.tiles(network)
        return self._tiles[probes]
