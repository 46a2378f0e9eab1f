"""What values occur on sample inputs: the ranges that decide scales where no bound follows from the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from array_api_compat import array_namespace

from ir.graph import Graph, Node
from ir.interp import interpret
from ir.ops.base import Value
from ir.ops.neuron import Gate


@dataclass(frozen=True)
class Seen:
    """
    Values of one population or input on the calibration samples, in the units of the float network.

    emitted: largest magnitude emitted. rms: root mean square of what was emitted, silence left out. current: largest
    magnitude of the summed current, without bias (0 for an input).
    """

    emitted: float
    rms: float
    current: float


def observe(chip: Graph, calibration: Mapping[str, Value]) -> dict[str, Seen]:
    """
    Run the float network and note the ranges of every input and population.

    Args:
        calibration: chip input -> array (T or 1, B, *shape) of real values.
    """
    currents: dict[str, Value] = {}
    last_reader = _last_readers(chip)
    seen: dict[str, Seen] = {}

    def watch(node: Node, value: Value) -> None:
        if node.name in last_reader:
            currents[node.name] = value
        if node.op.family == "input":
            seen[node.name] = _seen(value, 0.0)
        if node.op.family != "neuron":
            return
        kept = node.inputs[: -node.op.enables] if isinstance(node.op, Gate) else node.inputs
        total = currents[kept[0]]
        for name in kept[1:]:
            total = total + currents[name]
        seen[node.name] = _seen(value, _largest(total))
        for name in [name for name, reader in last_reader.items() if reader == node.name]:
            currents.pop(name, None)

    interpret(chip, calibration, watch)
    return seen


def _last_readers(chip: Graph) -> dict[str, str]:
    """Value -> the last population that takes it as a current."""
    return {name: node.name for node in chip.nodes.values() if node.op.family == "neuron" for name in node.inputs}


def _seen(value: Value, current: float) -> Seen:
    xp = array_namespace(value)
    active = int(xp.count_nonzero(value)) if value.shape else 0
    energy = float(xp.sum(xp.astype(value, xp.float64) ** 2)) if active else 0.0
    return Seen(_largest(value), sqrt(energy / active) if active else 0.0, current)


def _largest(value: Value) -> float:
    xp = array_namespace(value)
    return max(float(xp.max(value)), -float(xp.min(value)), 0.0)
