"""
The slow engine that is the definition: interprets the chip graph on numpy integers, every gate materialised.

The fast engines are compared with it; nothing here is clever.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backends.trace import Array, Events, Trace
from ir.analysis.wiring import populations_fed
from ir.graph import Graph, Node
from ir.interpreter import Watch, interpret
from ir.ops import Conv


class InterpreterEngine:
    """Runs a chip graph node by node on int64, in its source's own arithmetic where it is not quantised."""

    def __init__(self, chip: Graph, watch: Watch | None = None) -> None:
        """`watch` sees every value."""
        self._chip = chip
        self._watch = watch
        self._integer = chip.is_integer

    def describe(self) -> str:
        """What runs, in words."""
        return "the interpreter"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """See `backends.trace.Engine`."""
        steps, samples = next(iter(inputs.values())).shape[:2]
        counter = _Counter(self._chip, probes)

        def watch(node: Node, value: Array) -> None:
            counter(node, value)
            if self._watch is not None:
                self._watch(node, value)

        outputs = interpret(self._chip, {name: self._wide(array) for name, array in inputs.items()}, watch)
        events = Events(samples, steps, counter.spikes, counter.synaptic, counter.updates)
        found = {name: np.asarray(array) for name, array in outputs.items()}
        return Trace.of(self._chip, found, counter.probed, events)

    def _wide(self, array: Array) -> Array:
        """The arithmetic of the whole run follows from the inputs'."""
        return array.astype(np.int64 if self._integer else self._chip.dtype)


class _Counter:
    """Watches the interpreter: counts events, keeps what was probed."""

    def __init__(self, chip: Graph, probes: tuple[str, ...]) -> None:
        self.chip, self.probes = chip, probes
        self.spikes: dict[str, int] = {}
        self.synaptic: dict[str, int] = {}
        self.updates: dict[str, int] = {}
        self.probed: dict[str, Array] = {}
        self._active: dict[str, Array] = {}
        self._fed = populations_fed(chip)

    def __call__(self, node: Node, value: Array) -> None:
        self._active[node.name] = value != 0
        if node.op.family in ("neuron", "input"):
            self.spikes[node.name] = int(np.count_nonzero(value))
        if node.op.family == "neuron":
            self.updates[node.name] = node.type.size * value.shape[0] * value.shape[1]
        if node.op.family == "projection":
            self.synaptic[node.name] = self._arrivals(node)
        if node.name in self.probes:
            self.probed[node.name] = stored(node, value)

    def _arrivals(self, node: Node) -> int:
        """Active presynaptic elements x fan-out, into every population that the projection feeds."""
        return self._fed[node.name] * self._arrivals_in_one(node)

    def _arrivals_in_one(self, node: Node) -> int:
        active = self._active[node.inputs[0]]
        arrays = self.chip.arrays(node)
        if isinstance(node.op, Conv):
            ones = {"weight": np.ones_like(arrays["weight"], dtype=np.float64)}
            return int(node.op.run((active.astype(np.float64),), ones, active.shape[0]).sum())
        fan_out = arrays["weight"].shape[0] if "weight" in arrays else 1
        return int(np.count_nonzero(active)) * fan_out


def stored(node: Node, value: Array) -> Array:
    """A probed value in the type that a `Trace` keeps: spikes uint8, payloads int32 or float32."""
    if node.type.domain.kind == "spike":
        return value.astype(np.uint8)
    return value.astype(np.int32) if value.dtype.kind in "iu" else value
