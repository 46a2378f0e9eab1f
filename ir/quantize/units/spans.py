"""
How far two sums of a channel can lie apart, whatever fires: what must be certain where they are compared as payloads.

    sum of w s  for s in 0..r     between -r (sum of w-) and r (sum of w+): sums differ by r (sum of |w|) at most
    sum of w p  for p in -r..r    between -r (sum of |w|) and r (sum of |w|): by twice as much

The first holds where all sums have the same weights, as those that a convolution makes of spikes or counts. Windows of one kernel
that overlap would allow less, by a few percent where they share a corner, as the outermost taps of a pool do: left aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.analysis.wiring import Wiring
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv, Sum
from ir.profile import Arithmetic


@dataclass(frozen=True)
class Span:
    """How far the sums of one projection lie apart, per largest integer that is read."""

    weights: float
    """Real; a weight counts once or twice."""
    terms: int
    """How many weights that are: each is off by half a unit at most once it is rounded."""


def spans(chip: Graph, wiring: Wiring, node: Node, weights: Mapping[str, Array | float]) -> dict[str, Span]:
    """Projection into a population whose payloads are compared -> its span."""
    return {name: _span(chip, node, name, weights[name]) for name in wiring.payload_projections(node)}


def times_apart(chip: Graph, node: Node, projection: str) -> int:
    """How many times its largest magnitude two sums of a channel of `node` can differ by, in what a projection adds to them."""
    return 1 if projection in node.inputs and _is_shared(chip, chip.nodes[projection]) else 2


def widest_difference(arithmetic: Arithmetic) -> int:
    """The largest sum, in weight units, that both the chip's current and its payloads hold."""
    bits = min(arithmetic.state_bits - arithmetic.activation_shift, arithmetic.payload_bits)
    return (1 << (bits - 1)) - 1


def _is_shared(chip: Graph, projection: Node) -> bool:
    """Whether all sums of a channel have the same weights, and read nothing below zero."""
    return isinstance(projection.op, Conv) and chip.args(projection)[0].domain.kind != "graded"


def _span(chip: Graph, node: Node, projection: str, weights: Array | float) -> Span:
    times, magnitudes = times_apart(chip, node, projection), np.abs(np.asarray(weights, np.float64))
    if magnitudes.ndim:
        rows = magnitudes.reshape(len(magnitudes), -1)
        return Span(times * float(rows.sum(axis=1).max(initial=0.0)), times * rows.shape[1])
    op, (read,) = chip.nodes[projection].op, chip.args(chip.nodes[projection])
    terms = int(np.prod([read.shape[axis] for axis in op.axes])) if isinstance(op, Sum) else 1
    return Span(times * float(magnitudes) * terms, times * terms)
