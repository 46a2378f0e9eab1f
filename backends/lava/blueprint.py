"""
A network of Lava processes as plain data: parts, and wires between their ports. Both emissions produce one; Lava reads it.

Inside, every port is a flat vector; the network's own ports have the shapes of the chip's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.lava.core import READOUT
from backends.lava.recording import Tap
from backends.lava.timing import Timing
from backends.lava.worker import HostWorker, Worker
from ir.graph import Array, Graph


@dataclass(frozen=True)
class CorePart:
    """One process of our own model: a core, or anything else that works step by step."""

    worker: Worker


@dataclass(frozen=True)
class SynapsesPart:
    """
    One of Lava's Sparse or DelaySparse processes: port s_in -> port a_out, 1 + delay steps later.

    weights: scipy sparse (targets, sources) as the process stores them; the sum is shifted by `exponent`.
    """

    weights: Any
    sign: str
    exponent: int
    delay: int = 0


@dataclass(frozen=True)
class LifPart:
    """One of Lava's LIFReset processes: port a_in -> port s_out in the same step."""

    size: int
    du: int
    dv: int
    vth: int
    bias_mantissa: Array
    bias_exponent: Array
    first_step: int
    """Hardware step (from 0) at which the first window starts."""


Part = CorePart | SynapsesPart | LifPart
Port = tuple[str, str]
"""Part name, or "" for the network's own boundary, and port name."""


@dataclass(frozen=True)
class Blueprint:
    """The parts by name and the wires (from port, to port) of one network; inputs and outputs are boundary ports."""

    parts: Mapping[str, Part]
    wires: Sequence[tuple[Port, Port]]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    timing: Timing
    dtype: Any


def finish(
    graph: Graph, timing: Timing, parts: dict[str, Part], wires: list[tuple[Port, Port]], dtype: Any
) -> Blueprint:
    """The blueprint of finished parts and wires; an input that nothing reads ends in a part that forgets it."""
    read = {start for start, _ in wires}
    unread = [node.name for node in graph.inputs if ("", node.name) not in read]
    if unread:
        shapes = [graph.nodes[name].type.shape for name in unread]
        sizes = [graph.nodes[name].type.size for name in unread]
        parts = {**parts, "unread": CorePart(HostWorker([], [Tap(shape, 0, 0) for shape in shapes], sizes, dtype))}
        wires = wires + [(("", name), ("unread", f"in_{k}")) for k, name in enumerate(unread)]
    return Blueprint(parts, wires, *_boundary(graph), timing, dtype)


def _boundary(graph: Graph) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes of a chip's inputs and outputs by name; a single value is a vector of one."""
    inputs = {node.name: node.type.shape or (1,) for node in graph.inputs}
    outputs = {name: graph.nodes[value].type.shape or (1,) for name, value in graph.outputs.items()}
    return inputs, outputs


def emission_of(graph: Graph, output: str) -> str:
    """The emission that carries a chip output: the population itself, or a readout."""
    value = graph.outputs[output]
    return value if graph.nodes[value].op.family == "neuron" else READOUT + output
