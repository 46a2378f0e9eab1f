"""A network of Lava processes as plain data: parts, and wires between their ports. Both emissions produce one; Lava reads it.

Inside, every port is a flat vector; the network's own ports have the shapes of the chip's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.lava.core import READOUT
from backends.lava.timing import Timing
from backends.lava.worker import Worker
from ir.graph import Array, Graph


@dataclass(frozen=True)
class CorePart:
    """One process of our own model: a core, or anything else that works step by step."""

    worker: Worker


@dataclass(frozen=True)
class SynapsesPart:
    """One of Lava's Sparse or DelaySparse processes: port s_in -> port a_out, 1 + delay steps later.

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


def shapes_of(graph: Graph) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes of a chip's inputs and outputs by name; a single value is a vector of one."""
    inputs = {node.name: node.type.shape or (1,) for node in graph.inputs}
    outputs = {name: graph.nodes[value].type.shape or (1,) for name, value in graph.outputs.items()}
    return inputs, outputs


def emission_of(graph: Graph, output: str) -> str:
    """The emission that carries a chip output: the population itself, or a readout."""
    value = graph.outputs[output]
    return value if graph.nodes[value].op.family == "neuron" else READOUT + output

