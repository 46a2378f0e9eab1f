"""
The batch-parallel torch engine: layer by layer, all steps of a window in the rows of one product, events from spikes x fan-out.

Loops, and only they, run step by step. Integer networks compute exactly what the chip computes; networks in the source's
arithmetic accumulate in float64 and round once (float64 ones add without error), so that a result depends neither on the batch
nor on the engine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from backends.reference.chunk import Chunk
from backends.reference.counting import Counter
from backends.reference.forms import forms_of
from backends.reference.plan import Plan, plan_of
from backends.reference.populations import Emission, emission_of
from backends.reference.store import Store
from backends.trace import Array, Trace
from ir.errors import CompileError
from ir.graph import Graph, Node

CHUNK_BYTES = 1 << 28
"""Memory for the largest value of a chunk of samples; a handful of such values are alive at once."""


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
        self._stores: dict[frozenset[str], tuple[Store, dict[str, Emission]]] = {}

    def describe(self) -> str:
        """What runs the network, in words."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        return f"torch on {name}"

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """
        Run samples from zero state, see `backends.trace.Engine`.

        Raises:
            CompileError: an input or a probe does not fit the graph.
        """
        samples = {node.name: _checked(node, inputs, self.chip.steps) for node in self.chip.inputs}
        _check_probes(self.chip, probes)
        store, emissions = self._prepared(frozenset(probes))
        plan = store.plan
        steps, batch = next(iter(samples.values())).shape[:2]
        counter = Counter(self.chip, plan.fan_outs, plan.updates, store.forms)
        parts: list[tuple[dict[str, Array], dict[str, Array]]] = []
        for cut in self._cuts(plan, steps, batch):
            fed = {name: self._input(plan, name, array[:, cut]) for name, array in samples.items()}
            parts.append(self._finished(Chunk(store, emissions, counter, fed, probes), plan, probes))
        outputs = {name: _joined([part[0][name] for part in parts]) for name in self.chip.outputs}
        spikes = {name: _joined([part[1][name] for part in parts]) for name in probes}
        return Trace(outputs, spikes, counter.events(batch, steps))

    def _prepared(self, probes: frozenset[str]) -> tuple[Store, dict[str, Emission]]:
        """The plan for these probes with its tensors, and how its populations emit; made once."""
        if probes not in self._stores:
            store = Store(plan_of(self.chip, probes), self.device, forms_of(self.device))
            self._stores[probes] = store, {step.node.name: emission_of(step, store) for step in store.plan.steps}
        return self._stores[probes]

    def _cuts(self, plan: Plan, steps: int, batch: int) -> list[slice]:
        """Slices of the batch whose largest value fits into CHUNK_BYTES."""
        length = max(1, CHUNK_BYTES // (plan.widest * steps * 4))
        return [slice(start, min(start + length, batch)) for start in range(0, batch, length)]

    def _finished(self, chunk: Chunk, plan: Plan, probes: tuple[str, ...]) -> tuple[dict[str, Array], dict[str, Array]]:
        """Run a chunk; (outputs, probed populations)."""
        chunk.run()
        outputs = {
            name: _stored(self.chip.nodes[value], chunk.value(value), plan) for name, value in self.chip.outputs.items()
        }
        return outputs, {name: _stored(self.chip.nodes[name], chunk.kept[name], plan) for name in probes}

    def _input(self, plan: Plan, name: str, array: Array) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device, plan.travels(self.chip.nodes[name].type))


def _stored(node: Node, value: torch.Tensor, plan: Plan) -> Array:
    """A value as a trace keeps it, in memory of its own: spikes and counts uint8, payloads int32, or real numbers."""
    whole = torch.int32 if plan.integer else plan.real
    kind = torch.uint8 if node.type.domain.kind in ("spike", "count") else whole
    return np.array(value.to(kind).cpu())


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


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
