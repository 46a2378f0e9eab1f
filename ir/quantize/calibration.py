"""What values occur on sample inputs: the ranges that decide scales where no bound follows from the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, sqrt

import numpy as np
from array_api_compat import array_namespace

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.interpreter import interpret, parameter_like
from ir.ops.base import Value
from ir.ops.float_neurons.potential import Potential
from ir.ops.membrane import Membrane
from ir.quantize.rounding.products import input_products, values_read
from ir.quantize.weights import quantum_of

HEADROOM = 2.0
"""Unseen samples may exceed the largest calibrated value by this factor before a current wraps or a payload saturates."""
GRID_LEVELS = 1 << 12
"""Data of more levels, floats at random among them, lie on no grid."""
SHORT = 2
"""Windows of so few steps need no look at the membrane: the current bounds it well."""


@dataclass(frozen=True)
class ValueStatistics:
    """Values of one population or input on the calibration samples, in the units of the float network."""

    emitted: float
    """Largest magnitude emitted."""
    rms: float
    """Root mean square of what was emitted, silence left out."""
    current: float
    """Largest magnitude of the summed current, without bias; 0 for an input."""
    membrane: Array | None = None
    """Largest magnitude of v of every neuron (T and batch left out) after its resets; None where the current bounds it well."""
    quantum: float = 0.0
    """The power of two of which all values of an input are multiples; 0 for a population, and where there is none."""
    products: Mapping[str, Array] = field(default_factory=dict[str, Array], compare=False)
    """Weight that feeds a population -> the mean products of what it reads (`ir.quantize.rounding.products`)."""


def observe(chip: Graph, calibration: Mapping[str, Value]) -> dict[str, ValueStatistics]:
    """
    Run the float network and note the ranges of every input and population.

    Args:
        calibration: chip input -> array (T or 1, B, *shape) of real values.
    """
    kept: dict[str, Value] = {}
    readers = _readers(chip)
    statistics: dict[str, ValueStatistics] = {}

    def watch(node: Node, value: Value) -> None:
        if node.name in readers:
            kept[node.name] = value
        if node.op.family == "input":
            statistics[node.name] = ValueStatistics(_largest(value), _rms(value), 0.0, quantum=_grid(value))
        if node.op.family != "neuron":
            return
        total = _payload_current(node, kept)
        peak = _peak(chip, node, total, value.shape[0])
        largest = _largest(value)
        rms = float(largest > 0) if node.type.domain.kind == "spike" else _rms(value)
        own = ValueStatistics(largest, rms, _largest(total), peak)
        if not isfinite(own.emitted + own.current):
            what = f"%{node.name} reads or emits NaN or infinite values on the calibration samples"
            raise CompileError("quantize.finite", what, where=node.provenance.module, hint="use smaller inputs")
        statistics[node.name] = replace(own, products=input_products(chip, node, kept))
        for name in _read(chip, node):  # currents are large: each is kept until its last reader has run
            readers[name].discard(node.name)
            if not readers[name]:
                del kept[name]

    interpret(chip, calibration, watch)
    return statistics


def _readers(chip: Graph) -> dict[str, set[str]]:
    """Value -> the populations that take it as a current, or whose weights read it."""
    table: dict[str, set[str]] = {}
    for node in chip.nodes.values():
        for name in _read(chip, node) if node.op.family == "neuron" else ():
            table.setdefault(name, set()).add(node.name)
    return table


def _read(chip: Graph, node: Node) -> tuple[str, ...]:
    """The values that a population's statistics are made of, beside its own."""
    return tuple(dict.fromkeys((*node.inputs, *values_read(chip, node))))


def _payload_current(node: Node, currents: Mapping[str, Value]) -> Value:
    """The sum of a population's currents; what opens a gate is none of them."""
    names = node.op.payload_operands(node.inputs)
    total = currents[names[0]]
    for name in names[1:]:
        total = total + currents[name]
    return total


def _peak(chip: Graph, node: Node, total: Value, steps: int) -> Array | None:
    """The largest magnitude of the membrane after a step, neuron by neuron, where it matters."""
    op = node.op.neuron if isinstance(node.op, Potential) else node.op
    if not isinstance(op, Membrane) or (0 < chip.steps <= SHORT and not op.has_current):
        return None
    params = {role: parameter_like(array, total) for role, array in chip.arrays(node).items()}
    state, peak = None, np.zeros(node.type.shape)
    for step in range(steps):
        now = total if total.shape[0] == 1 else total[step : step + 1]
        _, state = op.resume((now,), params, 1, state)
        v = np.asarray(state.v)
        peak = np.maximum(peak, np.maximum(v.max(axis=0), -v.min(axis=0)))
    return peak


def _rms(value: Value) -> float:
    """The root mean square of what is not zero."""
    xp = array_namespace(value)
    active = int(xp.count_nonzero(value != 0)) if value.shape else 0
    squares = xp.astype(value, xp.float64)
    squares *= squares
    return sqrt(float(xp.sum(squares)) / active) if active else 0.0


def _grid(value: Value) -> float:
    """The largest power of two of which all values are multiples; 0 where that takes more than `GRID_LEVELS` levels."""
    quantum = quantum_of(np.asarray(value), GRID_LEVELS)
    if not quantum:
        return 0.0
    return float(quantum.numerator & -quantum.numerator) / quantum.denominator


def _largest(value: Value) -> float:
    xp = array_namespace(value)
    return max(float(xp.max(value)), -float(xp.min(value)), 0.0)
