"""
A compiled part of a network, ready to run: host before, engine, host after.

Arrays at the border are the model's own: (T, B, *shape) where an input changes in time, (B, *shape) where it is static.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from backends.trace import Array, Engine, Trace
from ir.analysis.resources import is_added
from ir.analysis.wiring import behind_routing
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.interpreter import interpret
from ir.types import Type

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """
    Runs one deployed part of a network.

    deployment: host prologue, chip graph, host epilogue. engine: what runs the chip graph (Lava or the reference).
    target: "loihi" or "gpu". name: the part's name. scales: population -> real value of one integer that it emits. names: input
    or output -> what the user calls it, where the IR cannot hold that name.
    """

    name: str
    target: str
    deployment: Deployment
    engine: Engine
    scales: Mapping[str, float] = field(default_factory=dict[str, float])
    names: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def inputs(self) -> dict[str, Type]:
        """Input name -> type; shapes are those of one sample at one step."""
        return {self._called(node.name): node.type for node in self.deployment.prologue.inputs}

    @property
    def populations(self) -> tuple[str, ...]:
        """The model's own neuron populations, without the gates that lowering added."""
        return own_populations(self.deployment.chip)

    def run(self, inputs: Inputs | Any, probes: tuple[str, ...] | None = None) -> Trace:
        """
        Run samples from zero state.

        Args:
            inputs: {input name: array}, or one array where there is one input; (T, B, *shape), or (B, *shape) if static.
            probes: populations whose spikes to return; by default the model's own neurons.

        Returns:
            outputs {name: (T, B, *shape), or (B, *shape) if static over the window}, spikes {population: (T, B, *shape)}
            and event counts.

        Raises:
            CompileError: an input is missing, unknown, of the wrong shape, or not finite.
        """
        host = self.host_inputs(inputs)
        wanted = self.populations if probes is None else probes
        unknown = [name for name in wanted if name not in self.deployment.chip.nodes]
        if unknown:
            known = ", ".join(self.populations)
            raise CompileError(
                "run.probe", f"no population {unknown[0]!r} to probe", where=self.name, hint=f"known: {known}"
            )
        before = interpret(self.deployment.prologue, host)
        trace = self.engine.run(self.encode(before), wanted)
        return Trace(self._finish(host, before, trace), trace.spikes, trace.events)

    def encode(self, before: Mapping[str, Any]) -> dict[str, Array]:
        """Prologue results as the chip's inputs: integers where the chip is integer, (T, B, *shape)."""
        return {
            node.name: _encode(node, before[node.name], self.deployment.chip) for node in self.deployment.chip.inputs
        }

    def chip_inputs(self, inputs: Inputs | Any) -> dict[str, Array]:
        """The payloads that the host hands to the chip for these model inputs; feed them to a `LavaNetwork`'s in ports."""
        return self.encode(interpret(self.deployment.prologue, self.host_inputs(inputs)))

    def _finish(self, host: Mapping[str, Any], before: Mapping[str, Any], trace: Trace) -> dict[str, Array]:
        """The epilogue on the chip's outputs, model inputs and prologue values."""
        chip = self.deployment.chip
        after: dict[str, Any] = {**host, **before}
        for name, value in trace.outputs.items():
            scale = _scale(chip, chip.outputs[name], self.scales)
            real = np.dtype(self.deployment.epilogue.dtype).type
            after[name] = torch.as_tensor(value.astype(real) * real(scale))
        needed = {node.name: after[node.name] for node in self.deployment.epilogue.inputs}
        outputs = interpret(self.deployment.epilogue, needed)
        types = {
            name: self.deployment.epilogue.nodes[value].type for name, value in self.deployment.epilogue.outputs.items()
        }
        return {
            self._called(name): (value[0] if types[name].static else value).numpy() for name, value in outputs.items()
        }

    def _called(self, name: str) -> str:
        """What the user calls an input or output."""
        return self.names.get(name, name)

    def host_inputs(self, inputs: Inputs | Any) -> dict[str, torch.Tensor]:
        """The model inputs, by the graph's own names, checked and as (T or 1, B, *shape) float tensors."""
        named = inputs if isinstance(inputs, Mapping) else {next(iter(self.inputs)): inputs}
        known = self.inputs
        missing, unknown = set(known) - set(named), set(named) - set(known)
        if missing or unknown:
            have = ", ".join(f"{name} {kind.shape}" for name, kind in known.items())
            what = f"missing input {min(missing)!r}" if missing else f"unknown input {min(unknown)!r}"
            raise CompileError("run.input", what, where=self.name, hint=f"inputs: {have}")
        whole = self.deployment.prologue
        host = {name: _host_input(name, kind, named[name], whole) for name, kind in known.items()}
        batches = {name: value.shape[1] for name, value in host.items()}
        if len(set(batches.values())) > 1:
            raise CompileError("run.batch", f"inputs differ in the number of samples: {batches}", where=self.name)
        lengths = {name: value.shape[0] for name, value in host.items() if not known[name].static}
        if len(set(lengths.values())) > 1:
            raise CompileError("run.steps", f"inputs differ in the number of steps: {lengths}", where=self.name)
        if 0 in (size for value in host.values() for size in value.shape[:2]):
            raise CompileError("run.batch", "the inputs hold no samples, or no steps", where=self.name)
        return dict(zip((node.name for node in self.deployment.prologue.inputs), host.values(), strict=True))


def own_populations(chip: Graph) -> tuple[str, ...]:
    """The neuron populations of the model itself; those that lowering added carry the lowering's mark."""
    return tuple(node.name for node in chip.nodes.values() if node.op.family == "neuron" and not is_added(node))


def _host_input(name: str, kind: Type, value: Any, whole: Graph) -> torch.Tensor:
    """One model input in the number type of the network's arithmetic."""
    steps = whole.steps
    try:
        array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    except ValueError as error:  # lists of different lengths
        raise CompileError("run.dtype", f"input {name!r} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise CompileError("run.dtype", f"input {name!r} has type {array.dtype}, needs numbers")
    with np.errstate(over="ignore"):  # infinite then, and refused below
        array = array.astype(whole.dtype)
    rank = len(kind.shape)
    if kind.static and array.ndim == rank + 1:
        array = array[None]
    fits = array.ndim == rank + 2 and array.shape[2:] == kind.shape
    if not fits:
        layout = "(B, *shape)" if kind.static else "(T, B, *shape)"
        raise CompileError(
            "run.shape", f"input {name!r} has shape {array.shape}", hint=f"needs {layout}, shape {kind.shape}"
        )
    if not np.isfinite(array).all():
        raise CompileError("run.finite", f"input {name!r} holds NaN, infinite values, or values beyond {whole.dtype}")
    if kind.static:
        if (array != array[:1]).any():
            raise CompileError(
                "run.static", f"input {name!r} changes over time, but the model repeats it over its steps"
            )
        return torch.from_numpy(array[:1].copy())
    if steps and array.shape[0] != steps:
        raise CompileError(
            "run.steps", f"input {name!r} has {array.shape[0]} steps, the network runs {steps} per sample"
        )
    return torch.from_numpy(array)


def _encode(node: Node, value: torch.Tensor, chip: Graph) -> Array:
    steps = chip.steps or value.shape[0]
    wide = value.expand(steps, *value.shape[1:]).numpy()
    if node.type.domain.kind == "spike":
        return wide.astype(np.uint8)
    if not chip.is_integer:
        return wide
    top = 1 << (node.type.domain.bound - 1)
    return np.clip(np.rint(wide.astype(np.float64) / node.type.scale), -top, top - 1).astype(np.int32)


def _scale(chip: Graph, value: str, scales: Mapping[str, float]) -> float:
    """The real value of one integer of a chip output: that of the population behind its routing, 1 for spikes."""
    return next((scales.get(name, 1.0) for name in behind_routing(chip, value)), 1.0)
