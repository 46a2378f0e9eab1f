"""Checks what a user feeds to an engine: whatever would fail, hang or be rounded later is refused here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ir.analysis.fan_in import EMITTERS, populations
from ir.errors import CompileError, known_names
from ir.graph import Array, Graph, Node


@dataclass(frozen=True)
class InputCheck:
    """What the inputs of a chip graph must be; what a graph tells about them is asked for once, not in every run."""

    graph: Graph
    rule: str
    """The id under which the engine refuses inputs."""

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Name -> input node, in order."""
        return {node.name: node for node in self.graph.inputs}

    @cached_property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Input -> least and greatest value, for whatever the chip or the type of the input bounds."""
        nodes = self.nodes.values()
        return {node.name: _range(node) for node in nodes if self.is_integer or node.type.domain.kind == "spike"}

    @cached_property
    def is_integer(self) -> bool:
        """Whether inputs must be whole numbers."""
        return self.graph.is_integer

    def checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """
        The inputs as arrays (T, B, *shape) of one T and B; a single step is repeated over the window.

        Raises:
            CompileError: an input is missing, unknown, of the wrong shape or range, or not finite.
        """
        if not self.nodes or inputs.keys() != self.nodes.keys():
            self._refuse_names(inputs.keys())
        arrays = {name: np.asarray(inputs[name]) for name in self.nodes}
        for name, array in arrays.items():
            self._check_shape(name, array)
            self._check_values(name, array)
        steps = self.graph.steps or max(array.shape[0] for array in arrays.values())
        batches = {array.shape[1] for array in arrays.values()}
        if not steps:
            raise CompileError(self.rule, "inputs of 0 steps cannot run")
        if len(batches) != 1 or 0 in batches:
            raise CompileError(self.rule, f"inputs of {sorted(batches)} samples cannot run together")
        for name, array in arrays.items():
            if array.shape[0] == 1 < steps:
                arrays[name] = np.broadcast_to(array, (steps, *array.shape[1:]))
            elif array.shape[0] != steps:
                what = f"input {name!r} has {array.shape[0]} steps, the window has {steps}"
                raise CompileError(self.rule, what)
        return arrays

    def _refuse_names(self, names: Collection[str]) -> None:
        """Say what is missing or unknown, or that the network has no inputs at all."""
        missing, unknown = sorted(self.nodes.keys() - set(names)), sorted(set(names) - self.nodes.keys())
        if missing or unknown:
            problem = f"missing input {missing[0]!r}" if missing else f"unknown input {unknown[0]!r}"
            have, need = (", ".join(sorted(group)) or "none" for group in (names, self.nodes))
            raise CompileError(self.rule, f"{problem}: {have} given, the network has {need}")
        what = "the network has no inputs, which say how many steps and samples to run"
        raise CompileError(self.rule, what, hint="give it an input, even if nothing reads it")

    def _check_shape(self, name: str, array: Array) -> None:
        shape = self.nodes[name].type.shape
        if array.ndim < 2 or array.shape[2:] != shape:
            layout = ", ".join(("T", "B", *map(str, shape)))
            raise CompileError(self.rule, f"input {name!r} has shape {array.shape}, needs ({layout})")

    def _check_values(self, name: str, array: Array) -> None:
        """Finite numbers, within the range, whole ones for integers."""
        kind = array.dtype.kind
        if kind not in "biuf" or (kind == "f" and not np.isfinite(array).all()):
            raise CompileError(self.rule, f"input {name!r} holds values that are not finite numbers")
        if name not in self.ranges:
            return
        low, high = self.ranges[name]
        fits = array.max(initial=0).item() <= high and (kind in "bu" or low <= array.min(initial=0).item())
        if not fits or (self.is_integer and kind == "f" and (array != np.trunc(array)).any()):
            what = f"input {name!r} must hold integers from {low} to {high}"
            raise CompileError(self.rule, what, hint="real inputs are rounded by the host before they reach the chip")


def check_probes(graph: Graph, probes: Collection[str], rule: str) -> None:
    """CompileError, under the id `rule`, unless every probe is a population or an input."""
    emitting = [name for name in probes if name in graph.nodes and graph.nodes[name].op.family in EMITTERS]
    if len(emitting) < len(probes):
        names = [node.name for node in (*populations(graph), *graph.inputs)]
        probe = next(name for name in probes if name not in emitting)
        raise CompileError(rule, f"{probe!r} is no population", hint=known_names(probe, names))


def _range(node: Node) -> tuple[int, int]:
    """The least and greatest value of an input."""
    domain = node.type.domain
    if domain.kind == "graded":
        return -(1 << (domain.bound - 1)), (1 << (domain.bound - 1)) - 1
    return 0, max(1, domain.bound)
