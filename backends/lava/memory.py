"""
The memory that a run in Lava takes, all of its processes together, beyond what the caller holds already.

Measured as the growth of the proportional set size while networks ran (those in `tests/backends/lava/test_memory.py`): none grew
by more than is said here.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from backends.lava.core.recording import computed, lanes_of
from backends.trace import trace_dtype
from ir.analysis.fan_in import fan_in_cone, populations
from ir.analysis.resources import node_resources
from ir.graph import Graph
from ir.mapping.core_map import CoreMap

PROCESS = 32 << 20
"""Bytes of a Lava process, its channels aside."""
CORES, OTHERS = 3, 2
"""Fused processes at the most; the host, and what records or ties loose ends."""
READOUT = 1
"""What outputs of cores are put together in."""
PER_NEURON = 160
"""Bytes of a neuron or input that is computed in a step: states, currents, columns of convolutions, messages."""
PER_WEIGHT = 10
"""Bytes of a weight: as float32, as a byte, and what it is made of."""
PER_SYNAPSE = 24
"""Bytes of a synapse of Lava's own, which shares no weight: value and index, and copies while it is made."""
PER_SHARE = 120
"""Bytes of a neuron more where it is in a share of its population: where it lies in both, several times."""
PER_READ = 24
"""Bytes of a neuron or input for each core that may read it: its message, and its place among what the core reads."""
PER_INPUT = 12
"""Bytes of an input's value in one step of one sample: what is played, and copies while it is laid out."""


def memory_of_run(
    chip: Graph, cores: CoreMap, emission: str | None, steps: int, samples: int, probes: Collection[str]
) -> int:
    """
    Bytes that a run takes at the most.

    Args:
        cores: the map. emission: of `backends.lava.engine.EMISSIONS`; None for the default.
        steps: T of the window. samples: of the run. probes: populations whose emissions are recorded.
    """
    if emission == "stock":
        links = sum(node.op.family == "projection" for node in chip.nodes.values())
        work = sum(row.synapses for row in node_resources(chip)) * PER_SYNAPSE
        processes, lanes = links + len(populations(chip)) + OTHERS, 1
    elif emission == "mapped":
        work = sum(array.size for array in chip.params.values()) * PER_WEIGHT
        processes, lanes = cores.cores + READOUT + OTHERS, lanes_of(chip, samples, probes, None)
        work += sum(map(len, cores.core_of.values())) * PER_SHARE + _read(chip, cores) * lanes * PER_READ
    else:
        work = sum(array.size for array in chip.params.values()) * PER_WEIGHT
        processes, lanes = CORES + OTHERS, lanes_of(chip, samples, probes, None)
    work += sum(node.type.size for node in computed(chip, probes)) * lanes * PER_NEURON
    recorded = sum(_bytes(chip, name) for name in (*probes, *chip.outputs.values()))
    played = sum(node.type.size for node in chip.inputs) * PER_INPUT
    return processes * PROCESS + work + steps * samples * (recorded + played)


def _read(chip: Graph, cores: CoreMap) -> int:
    """Neurons and inputs times the cores of the populations that they reach; weights are within what a core holds, and little."""
    reached = 0
    for name, on in cores.core_of.items():
        sources = fan_in_cone(chip, chip.nodes[name].inputs, back_edges=True).sources
        reached += len(np.unique(on)) * sum(chip.nodes[source].type.size for source in sources)
    return reached


def _bytes(chip: Graph, name: str) -> int:
    """Of what a value is in one step of one sample, as it is recorded."""
    type_ = chip.nodes[name].type
    return type_.size * trace_dtype(chip, type_)().itemsize
