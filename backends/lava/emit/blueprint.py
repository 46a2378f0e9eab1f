"""
A network of Lava processes as plain data: parts, and wires between their ports. Both emissions produce one; Lava reads it.

Inside, every port is a flat vector; the network's own ports have the shapes of the chip's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import networkx as nx

from backends.lava.core.recording import Recording
from backends.lava.core.stage import READOUT
from backends.lava.core.worker import HostWorker, Worker
from backends.lava.timing import Timing, Windows
from ir.graph import Array, Graph


@dataclass(frozen=True)
class CorePart:
    """One process of our own model: a core, or anything else that works step by step."""

    worker: Worker


@dataclass(frozen=True)
class SynapsesPart:
    """One of Lava's Sparse or DelaySparse processes: port s_in -> port a_out, 1 + delay steps later."""

    weights: Any
    """Scipy sparse (targets, sources), as the process stores them."""
    sign: str
    """Lava's sign mode of the weights."""
    exponent: int
    """By how much the sum is shifted."""
    delay: int = 0


@dataclass(frozen=True)
class LifPart:
    """One of Lava's LIFReset processes: port a_in -> port s_out in the same step."""

    size: int
    du: int
    dv: int
    vth: int | Array
    """Of all neurons, or of every one."""
    bias_mantissa: Array
    bias_exponent: Array
    first_step: int
    """Hardware step (from 0) at which the first window starts."""


Part = CorePart | SynapsesPart | LifPart
Port = tuple[str, str]
"""Part name, or "" for the network's own boundary, and port name."""


@dataclass(frozen=True)
class Blueprint:
    """One network of processes."""

    parts: Mapping[str, Part]
    wires: Sequence[tuple[Port, Port]]
    """(from port, to port)."""
    inputs: Mapping[str, tuple[int, ...]]
    """Boundary port -> shape."""
    outputs: Mapping[str, tuple[int, ...]]
    """Boundary port -> shape."""
    timing: Timing
    dtype: Any
    """Of the messages between processes."""


def finish(
    graph: Graph, timing: Timing, parts: dict[str, Part], wires: list[tuple[Port, Port]], dtype: Any
) -> Blueprint:
    """The blueprint of finished parts and wires, tied together."""
    inputs, outputs = _boundary(graph, timing.windows.lanes)
    blueprint = Blueprint(parts, wires, inputs, outputs, timing, dtype)
    loose = _loose_ends(blueprint)
    if not loose:
        return blueprint
    sizes = [_size(blueprint, port) for port in loose]
    tie = CorePart(HostWorker([], [Recording((size,), 0, Windows(0)) for size in sizes], sizes, dtype))
    more = [(port, ("tie", f"in_{k}")) for k, port in enumerate(loose)]
    return replace(blueprint, parts={**parts, "tie": tie}, wires=[*wires, *more])


def _loose_ends(blueprint: Blueprint) -> list[Port]:
    """
    Ports whose messages must meet somewhere: one of every piece of the network, and the inputs that nothing reads.

    Lava silently leaves out what is not connected to the process that is run.
    """
    starts = [start for start, _ in blueprint.wires]
    pieces: nx.Graph[str] = nx.Graph()
    pieces.add_nodes_from(blueprint.parts)
    pieces.add_edges_from((start[0], end[0]) for start, end in blueprint.wires if start[0] and end[0])
    ends = [next(start for start in starts if start[0] in piece) for piece in nx.connected_components(pieces)]
    unread = [("", name) for name in blueprint.inputs if ("", name) not in starts]
    return ends + unread if len(ends) + len(unread) > 1 else []


def _size(blueprint: Blueprint, port: Port) -> int:
    """Elements of the messages that a port sends."""
    name, place = port
    if not name:
        return prod(blueprint.inputs[place])
    part = blueprint.parts[name]
    if isinstance(part, CorePart):
        return part.worker.sends[int(place.removeprefix("out_"))]
    return part.size if isinstance(part, LifPart) else part.weights.shape[0]


def _boundary(graph: Graph, lanes: int) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes of a chip's inputs and outputs by name, side by side where there are lanes; a single value is a vector of one."""
    side_by_side = (lanes,) if lanes > 1 else ()
    inputs = {node.name: (*side_by_side, *(node.type.shape or (1,))) for node in graph.inputs}
    values = {name: graph.nodes[value].type.shape or (1,) for name, value in graph.outputs.items()}
    return inputs, {name: (*side_by_side, *shape) for name, shape in values.items()}


def emission_of(graph: Graph, output: str) -> str:
    """The emission that carries a chip output: the population itself, or a readout."""
    value = graph.outputs[output]
    return value if graph.nodes[value].op.family == "neuron" else READOUT + output
