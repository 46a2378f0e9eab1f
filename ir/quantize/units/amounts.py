"""
What a population asks of its unit, the real current that one integer of its weights stands for: that all its numbers fit their
fields, and that the amounts at which it fires are whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops.neuron import Lif
from ir.profile import Arithmetic
from ir.quantize.calibration import HEADROOM, ValueStatistics
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.neurons.normalize import as_neuron
from ir.quantize.weights import quantum_of


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


def finest_units(values: LargestValues, arithmetic: Arithmetic, narrowed: int = 0) -> dict[str, float]:
    """
    What keeps the unit of a population from being finer -> the finest unit at which that fits its field.

    Args:
        narrowed: bits by which the shift of the current is smaller than the chip's.
    """
    shift = arithmetic.activation_shift - narrowed
    largest_bias = ((1 << (arithmetic.bias_mantissa_bits - 1)) - 1) << arithmetic.bias_exponent_max
    return {
        "range": values.current * max(HEADROOM, values.growth) / (1 << (arithmetic.state_bits - 1 - shift)),
        "threshold": values.threshold / (((1 << arithmetic.threshold_bits) - 1) << narrowed),
        "bias": values.bias * (1 << shift) / largest_bias,
    }


@dataclass(frozen=True)
class FiringAmounts:
    """The amounts of current at which a population fires, and that its resets take, in real units."""

    threshold: Fraction
    """The least of them, a threshold."""
    whole_parts: int
    """Of how many parts of a grid of currents the membrane keeps whole numbers, to which thresholds may rise; 0 for none."""
    further: tuple[Fraction, ...] = ()
    """Other amounts that must be whole units, where neurons differ or resets take something else."""
    loses_fractions: bool = False
    """Whether decay leaves more binary fractions than the chip keeps, so that the finest unit loses least."""
    constants: Fraction | None = None
    """The grid on which what is added at every step lies; None for none."""
    programmable: bool = False
    """Whether neurons run programs, so that their thresholds may be as fine as v."""


def firing_amounts(
    node: Node, neurons: DistinctNeurons | None, bias: Array, steps: int, arithmetic: Arithmetic, programmable: bool
) -> FiringAmounts | None:
    """
    The thresholds of a population, and what resets take; None for one without threshold.

    Args:
        bias: of the float network. steps: window length, 0 for streaming. programmable: whether the chip's neurons run programs.
    """
    op = as_neuron(node).op
    if neurons is None or not isinstance(op, Lif):
        return None
    takes = op.reset == "subtract" or op.max_spikes != 1
    thresholds = {neuron.threshold for neuron in neurons.members}
    first, *further = sorted(thresholds | {neuron.theta for neuron in neurons.members if takes})
    parts = {0 if neuron.drift and not neuron.is_whole else neuron.whole_parts(steps) for neuron in neurons.members}
    shift = arithmetic.activation_shift
    fits = all(
        (neuron.is_whole or neuron.fractions_fit(steps, shift)) and neuron.adaptation_fits(steps, shift)
        for neuron in neurons.members
    )
    known = min(parts) and not takes and not node.param("bias")
    constants = neurons.per_neuron(lambda neuron: float(neuron.factor)) * bias
    constants = constants + neurons.per_neuron(lambda neuron: float(neuron.drift))
    quantum = quantum_of(constants, 1 << (arithmetic.bias_mantissa_bits + arithmetic.bias_exponent_max))
    return FiringAmounts(
        threshold=first,
        whole_parts=max(parts) if known else 0,
        further=tuple(further),
        loses_fractions=not fits,
        constants=quantum,
        programmable=programmable,
    )
