"""
Chooses the unit of a population: the real current that one integer of its weights stands for.

All projections into a population share one unit. It is as fine as the largest weight allows, the integer fields hold what
occurs in it, and the threshold is a whole number of it; where the weights lie on a grid, it keeps them exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, inf, lcm

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops.neuron import Lif
from ir.profile import Arithmetic
from ir.quantize.calibration import HEADROOM, ValueStatistics
from ir.quantize.neurons import DistinctNeurons
from ir.quantize.weights import WeightStatistics, joint_quantum, quantum_of, weight_levels


@dataclass(frozen=True)
class LargestValues:
    """What a population's integer fields must hold, in real current units."""

    current: float
    """Largest magnitude of the summed current on the calibration samples."""
    growth: float
    """How many times the current the membrane can become."""
    threshold: float
    """Thresholds, what resets take, and starts of the membrane; 0 for a neuron without."""
    bias: float
    """The constant input of v; 0 for a neuron without."""


def largest_values(
    node: Node, neurons: DistinctNeurons | None, statistics: ValueStatistics, bias: Array, steps: int
) -> LargestValues:
    """
    The largest values of a population.

    Args:
        bias: of the float network. steps: window length, 0 for streaming.

    Raises:
        CompileError: nothing bounds the state.
    """
    if neurons is None:
        return LargestValues(statistics.current, 1.0, 0.0, 0.0)
    current = statistics.current * neurons.largest(lambda neuron: abs(float(neuron.factor)))
    growth = neurons.largest(lambda neuron: neuron.growth(steps))
    if current and growth > HEADROOM and statistics.membrane is not None:
        growth = min(growth, _calibrated_growth(neurons, statistics.membrane, current, steps))
    if current and growth == inf:
        what = "a synaptic current that never decays has no bound in a network without windows"
        where = f"%{node.name}  {node.provenance}"
        raise CompileError("quantize.range", what, where=where, hint="let it decay, or set the steps")
    constant = np.abs(neurons.per_neuron(lambda neuron: float(neuron.factor / (neuron.current_decay or 1))) * bias)
    constant = constant + np.abs(neurons.per_neuron(lambda neuron: float(neuron.drift)))
    amount = neurons.largest(lambda neuron: float(max(neuron.threshold, neuron.theta, abs(neuron.start))))
    return LargestValues(current, growth if current else 1.0, amount, float(constant.max(initial=0.0)))


def _calibrated_growth(neurons: DistinctNeurons, membrane: Array, current: float, steps: int) -> float:
    """How many times the current the state can become: the membrane as calibration showed, J as its decay allows."""
    largest = float(np.max(membrane / neurons.per_neuron(lambda neuron: float(neuron.size))))
    steady = neurons.largest(lambda neuron: 1 / float(neuron.current_decay) if neuron.current_decay else inf)
    return max(HEADROOM * largest / current, min(steady, steps or steady))


def finest_unit(values: LargestValues, arithmetic: Arithmetic) -> float:
    """The finest unit at which a population's calibrated current, its threshold and its bias fit their fields."""
    room = 1 << (arithmetic.state_bits - 1 - arithmetic.activation_shift)
    largest_bias = ((1 << (arithmetic.bias_mantissa_bits - 1)) - 1) << arithmetic.bias_exponent_max
    return max(
        values.current * max(HEADROOM, values.growth) / room,
        values.threshold / ((1 << arithmetic.threshold_bits) - 1),
        values.bias * (1 << arithmetic.activation_shift) / largest_bias,
    )


@dataclass(frozen=True)
class FiringAmounts:
    """The amounts of current at which a population fires, and that its resets take, in real units."""

    threshold: Fraction
    """The least of them, a threshold."""
    is_whole: bool
    """Whether whole currents keep the membrane whole, so that the threshold may be rounded up."""
    further: tuple[Fraction, ...] = ()
    """Other amounts that must be whole units, where neurons differ or resets take something else."""
    loses_fractions: bool = False
    """Whether decay leaves more binary fractions than the chip keeps, so that the finest unit loses least."""
    constants: Fraction | None = None
    """The grid on which what is added at every step lies; None for none."""


def firing_amounts(
    node: Node, neurons: DistinctNeurons | None, bias: Array, steps: int, arithmetic: Arithmetic
) -> FiringAmounts | None:
    """
    The thresholds of a population, and what resets take; None for one without threshold.

    Args:
        bias: of the float network. steps: window length, 0 for streaming.
    """
    op = node.op
    if neurons is None or not isinstance(op, Lif):
        return None
    takes = op.reset == "subtract" or op.max_spikes != 1
    thresholds = {neuron.threshold for neuron in neurons.members}
    first, *further = sorted(thresholds | {neuron.theta for neuron in neurons.members if takes})
    stays_whole = all(neuron.is_whole and not neuron.start for neuron in neurons.members)
    shift = arithmetic.activation_shift
    fits = all(neuron.is_whole or neuron.fractions_fit(steps, shift) for neuron in neurons.members)
    is_whole = stays_whole and not takes and not node.param("bias")
    constants = neurons.per_neuron(lambda neuron: float(neuron.factor)) * bias
    constants = constants + neurons.per_neuron(lambda neuron: float(neuron.drift))
    quantum = quantum_of(constants, 1 << (arithmetic.bias_mantissa_bits + arithmetic.bias_exponent_max))
    return FiringAmounts(first, is_whole, tuple(further), loses_fractions=not fits, constants=quantum)


def choose_unit(
    currents: tuple[WeightStatistics, ...], finest: float, firing: FiringAmounts | None, arithmetic: Arithmetic
) -> Fraction:
    """
    The unit of a population: exact for weights on a grid, else fine enough for the largest weight and the threshold.

    Args:
        currents: of every projection, what one presynaptic integer causes.
        finest: lower bound of the unit. firing: None for a population without threshold.
    """
    levels = weight_levels(arithmetic)
    largest = max((part.largest for part in currents), default=0.0)
    grid = _grid_unit(currents, largest, finest, firing, levels)
    if grid is not None:
        return grid
    coarse = max(largest / levels, finest)
    if firing is None or firing.further or not firing.threshold:
        largest_amount = max((firing.threshold, *firing.further)) if firing else Fraction(0)
        return Fraction(coarse) if coarse else largest_amount or Fraction(1)
    return firing.threshold / max(1, floor(firing.threshold / Fraction(coarse))) if coarse else firing.threshold


def _grid_unit(
    currents: tuple[WeightStatistics, ...], largest: float, finest: float, firing: FiringAmounts | None, levels: int
) -> Fraction | None:
    """A unit that holds every weight exactly, and the threshold exactly or to a part in `levels`; None where none does."""
    quanta = [part.quantum for part in currents if part.quantum is not None]
    grid = joint_quantum(quanta)
    if len(quanta) < len(currents) or not grid or Fraction(largest) / grid > levels or grid < finest:
        return None
    if firing is None:
        return grid
    ratios = [amount / grid for amount in (firing.threshold, *firing.further)]
    finer = int(min(levels * grid / Fraction(largest), grid / Fraction(finest) if finest else levels))
    parts = lcm(*(ratio.denominator for ratio in ratios))
    whole = lcm(parts, (firing.constants / grid).denominator) if firing.constants else parts
    parts = whole if whole <= finer else parts
    if parts <= finer:
        return grid / (parts << ((finer // parts).bit_length() - 1) if firing.loses_fractions else parts)
    if firing.is_whole:
        return grid
    return grid / finer if min(ratios) * finer >= levels else None
