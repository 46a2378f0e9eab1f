"""Many samples in batches, cut along the samples' axis and joined again; samples drawn for a network that comes without any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backends.trace import Array
from compile.stages.program import Program
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from ir.graph import Graph
from ir.types import REAL, Type

STREAM_STEPS = 16
"""Steps of what is drawn for a network that has no window."""


def cut_samples(inputs: Mapping[str, Array], program: Program, size: int) -> list[dict[str, Array]]:
    """Batches of at most `size` samples, in the inputs' own layout; CompileError where the inputs do not fit."""
    samples = next(iter(program.host_inputs(inputs).values())).shape[1]
    axes = {name: _samples_axis(np.ndim(inputs[name]), kind, program.order) for name, kind in program.inputs.items()}
    cuts = range(0, samples, size)
    return [{n: np.take(a, range(k, min(k + size, samples)), axis=axes[n]) for n, a in inputs.items()} for k in cuts]


def _samples_axis(rank: int, kind: Type, order: AxisOrder) -> int:
    """The axis of the samples in an input of that rank: time may be in front of it."""
    return 0 if order.batch_first and not kind.static else rank - len(kind.shape) - 1


def join_samples(
    batches: Sequence[Mapping[str, Array]], types: Mapping[str, Type], order: AxisOrder = TIME_FIRST
) -> dict[str, Array]:
    """
    Outputs of batches behind each other: on the first axis of (B, ...), the second of (T, B, ...).

    Where the batches' windows differ in length, NaN fills the steps behind the end of the shorter ones.
    """
    joined: dict[str, Array] = {}
    for name, kind in types.items():
        axis = 0 if kind.static or name in order.batch_first_outputs else 1
        arrays = [batch[name] for batch in batches]
        joined[name] = np.concatenate(arrays if kind.static else _equally_long(arrays, 1 - axis), axis=axis)
    return joined


def _equally_long(arrays: Sequence[Array], axis: int) -> Sequence[Array]:
    """Arrays of one length along `axis`, that of the longest, with NaN behind the others' ends."""
    lengths = [array.shape[axis] for array in arrays]
    if len(set(lengths)) == 1:
        return arrays
    padded = [np.full((*a.shape[:axis], max(lengths), *a.shape[axis + 1 :]), np.nan, a.dtype) for a in arrays]
    for whole, array in zip(padded, arrays, strict=True):
        whole[(slice(None),) * axis + (slice(array.shape[axis]),)] = array
    return padded


def random_inputs(graph: Graph, samples: int, seed: int) -> dict[str, Any]:
    """Draw spikes at a rate of 20 % (or normal values where the input is real), for a network that comes without examples."""
    random = np.random.default_rng(seed)
    inputs: dict[str, Any] = {}
    for node in graph.inputs:
        shape = (1 if node.type.static else node.type.steps or graph.steps or STREAM_STEPS, samples, *node.type.shape)
        domain = node.type.domain
        values = random.standard_normal(shape) if domain == REAL else random.random(shape) < 0.2
        values = values * random.integers(1, 1 + domain.bound, shape) if domain.kind == "count" else values
        inputs[node.name] = values.astype(np.float32)
    return inputs
