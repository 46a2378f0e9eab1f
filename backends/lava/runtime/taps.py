"""What a run records and how many samples it computes side by side: both follow from what is asked for of single elements."""

from __future__ import annotations

import numpy as np

from backends.lava.core.joint import joint_gates
from backends.lava.core.number_types import trace_dtype
from backends.lava.events import counted_as_one, delayed_sources
from backends.lava.runtime.recording import Tap, shared_array
from backends.lava.timing import Timing
from ir.analysis.fan_in import populations
from ir.errors import CompileError
from ir.graph import Graph

NEURONS_AT_ONCE = 1 << 21
"""Neurons computed in one step, those of all lanes together: more of them do not run faster, only wait longer."""


def lanes_of(chip: Graph, samples: int, probes: tuple[str, ...], most: int | None) -> int:
    """Samples side by side, `most` at most or what is worthwhile, in groups of equal size."""
    joint = joint_gates(chip, probes)
    computed = [node for node in (*chip.inputs, *populations(chip)) if node.name not in joint]
    neurons = sum(node.type.size for node in computed)
    most = most or max(1, NEURONS_AT_ONCE // max(1, neurons))
    return -(-samples // -(-samples // most))


def taps_of(chip: Graph, timing: Timing, probes: tuple[str, ...]) -> dict[str, Tap]:
    """Shared memory for every population's activity, the probed spikes and the outputs ("output " + name)."""
    names = [node.name for node in populations(chip)]
    known = [*names, *(node.name for node in chip.inputs)]
    for name in probes:
        if name not in known:
            raise CompileError("lava.probe", f"{name!r} is no population", hint=f"known: {', '.join(known)}")
    windows, delayed, as_one = timing.windows, delayed_sources(chip), counted_as_one(chip)
    count = (windows.steps, windows.samples)
    taps: dict[str, Tap] = {}
    for name in names:
        type_ = chip.nodes[name].type
        values = shared_array((*count, *type_.shape), trace_dtype(chip, type_)) if name in probes else None
        rows = windows.steps if name in delayed else 1
        activity = shared_array((rows, 1 if name in as_one else type_.size), np.int64)
        taps[name] = Tap(type_.shape, timing.depth[name], windows, values, activity)
    for name, value in chip.outputs.items():
        type_ = chip.nodes[value].type
        values = shared_array((*count, *type_.shape), trace_dtype(chip, type_))
        taps["output " + name] = Tap(type_.shape, timing.outputs[name], windows, values)
    return taps
