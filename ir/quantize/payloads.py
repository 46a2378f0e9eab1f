"""
Chooses what one integer of a payload stands for, and makes the integers of the populations that send payloads or bursts.

Where payloads meet weights, both are rounded, and their product must not wrap the chip's current: the levels that fit are
shared out so that both round with the same relative error. Payloads that go round a loop get their scale before the unit of
the population that emits them, which then is a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, log2, sqrt

import numpy as np

from ir.analysis.wiring import Wiring
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.neuron import Burst, Gate, Graded, Lif
from ir.profile import Arithmetic
from ir.quantize.calibration import HEADROOM, ValueStatistics
from ir.quantize.integers.populations import IntegerPopulation
from ir.quantize.weights import QuantizedArray, WeightStatistics, relative_error, shifted_levels


@dataclass(frozen=True)
class Emission:
    """What the integers that a population or an input sends stand for."""

    scale: float
    """Real value of 1; a spike's is 1."""
    reach: int
    """The largest integer."""


def payload_scale(
    reader: WeightStatistics, statistics: ValueStatistics, finest: float, alone: bool, arithmetic: Arithmetic
) -> float:
    """
    The real value of one payload integer that suits one reader: fine, while payload times weight keeps to `finest`.

    Args:
        reader: the reading projection. statistics: of the payload. finest: the finest unit of the reading population.
        alone: whether the reading population has no other presynaptic scale, so that weights on a grid stay exact.
    """
    if not reader.largest:
        return 0.0
    if alone and reader.quantum:
        return finest / float(reader.quantum)
    balanced = sqrt(finest * statistics.rms / reader.rms)
    return min(balanced, finest * shifted_levels(arithmetic) / reader.largest)


def input_scale(readers_scale: float, statistics: ValueStatistics, bits: int) -> float:
    """
    The grid of the data where that suits the readers, so that nothing is rounded; else the power of two at or above their scale.

    Args:
        readers_scale: the coarsest that a reader asks for. bits: of the payload, which hold twice the calibrated input.
    """
    least = max(readers_scale, statistics.emitted * HEADROOM / (1 << (bits - 1)))
    if statistics.quantum and statistics.quantum >= least:
        return statistics.quantum
    return 2.0 ** ceil(log2(least)) if least else 1.0


def payload_bits(largest: float, bits: int) -> int:
    """The bits, sign included, that hold payloads up to `largest` integers; at most `bits`."""
    return min(bits, ceil(log2(max(largest, 1.0) + 1)) + 1)


def payload_shift(readers_scale: float, unit: float, statistics: ValueStatistics, bits: int) -> int:
    """The right shift that brings a payload's unit nearest to the scale that suits its readers, and into `bits` bits."""
    nearest = round(log2(readers_scale / unit)) if readers_scale else 0
    overflow = ceil(log2(max(statistics.emitted * HEADROOM / unit, 1.0) / (1 << (bits - 1))))
    return max(0, nearest, overflow)


def looped_payloads(chip: Graph, wiring: Wiring) -> tuple[str, ...]:
    """The payload populations that a population before them, or they themselves, read; spikes and counts have scale 1."""
    place = {name: index for index, name in enumerate(chip.nodes)}
    sources = [
        source
        for name in place
        if name in wiring.feeds
        for projection in wiring.projections(name)
        for source in wiring.sources[projection]
        if place[source] >= place[name] and not isinstance(chip.nodes[source].op, Lif)
    ]
    return tuple(name for name in dict.fromkeys(sources) if chip.nodes[name].type.domain.kind == "graded")


def is_difference(node: Node) -> bool:
    """Whether a population's payloads are differences of others, where those are above 0."""
    return isinstance(node.op, Graded) and node.op.form == "rectified"


def compared_payloads(chip: Graph, wiring: Wiring) -> frozenset[str]:
    """The graded populations that rectify differences, and those whose payloads these are differences of."""
    differences = {node.name for node in chip.nodes.values() if is_difference(node)}
    projections = {projection for name in differences for projection in wiring.projections(name)}
    return frozenset(differences | {source for name in projections for source in wiring.sources[name]})


def part_of_scale(node: Node, scale: Fraction, unit: Fraction) -> Fraction:
    """The next coarser unit of which a scale that was fixed before is a multiple by a power of two."""
    parts = floor(log2(scale / unit))
    if parts < 0:
        raise loop_refused(node, "are too fine for its weights")
    return scale / (1 << parts)


def loop_refused(node: Node, why: str) -> CompileError:
    """The error of payloads on a loop whose scale, fixed beforehand, does not suit what emits them."""
    what, where = f"its payloads go round a loop and {why}", f"%{node.name}  {node.provenance}"
    hint = "spikes become payloads by a bias on their way back: let it act from the first step on (back_edge=spikes of NIR), or "
    hint += "use --precision float"
    return CompileError("quantize.loop", what, where=where, hint=hint)


def integer_payload(
    node: Node,
    bias: Array,
    unit: Fraction,
    current: int,
    statistics: ValueStatistics,
    bits: int,
    shift: int,
    exact: bool,
) -> tuple[IntegerPopulation, Emission]:
    """
    The chip's graded or gated neurons of a population, which emit their current >> shift.

    Args:
        bias: of the float network. unit: real current of one weight unit. current: its largest magnitude, in weight units.
        bits: the widest payload. exact: whether no weight of the population was rounded.
    """
    assert isinstance(node.op, (Graded, Gate))
    ideal = bias / float(unit)
    largest = current + ceil(np.abs(ideal).max(initial=0.0))
    if shift or not exact:
        largest = min(largest, ceil(HEADROOM * statistics.emitted / float(unit)))
    reach = -(-largest >> shift)
    width = payload_bits(reach, bits)
    half = (1 << shift) >> 1  # shifting rounds down: half a payload more rounds to the nearest
    integers = QuantizedArray((np.rint(ideal) + half).astype(np.int32), 0, relative_error(np.rint(ideal), ideal))
    op = replace(node.op, bits=width, shift=shift)
    emission = Emission(float(unit) * (1 << shift), min(1 << (width - 1), reach))
    return IntegerPopulation(op, integers, 0, 0.0, shift == 0), emission


def integer_burst(node: Node, unit: Fraction, exact: bool) -> tuple[IntegerPopulation, Emission]:
    """The chip's bursting neurons of a population, which count unit spikes; CompileError for synapses of other weights."""
    assert isinstance(node.op, Burst)
    if unit != 1 or not exact:
        what = "a burst counts unit spikes, but its synapses are not of weight 1"
        raise CompileError("quantize.burst", what, where=f"%{node.name}  {node.provenance}")
    return IntegerPopulation(node.op, QuantizedArray(np.zeros(1), 0, 0.0), 0, 0.0, True), Emission(1.0, 1)
