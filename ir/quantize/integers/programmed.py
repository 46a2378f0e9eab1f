"""
The integers of neurons that need a program of their own: thresholds that spikes raise, rests, membranes that stay above zero.

They are those of a plain neuron (`ir.quantize.integers.integer_neurons`) and a few more, and compare as the source does. What
spikes add to a threshold is proven to fit the width of a state:

    |b| <= |start| + jump min(steps, 2^d / adapt_decay),  and, as no spike comes unless v > b,
    b <= |start| + max v + jump for jumps above 0

Where that is more than a state holds, b is kept in units of 2^adapt_shift units of v.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count
from typing import Any

from ir.ops.float_neurons.alpha import AlphaLif
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.integer_neuron import IntegerLif
from ir.ops.programmed.lif import NO_FLOOR, ProgrammedLif
from ir.quantize.integers.alpha import programmed_alpha
from ir.quantize.integers.integer_neurons import firing_integers, integer_lif, refused, spread
from ir.quantize.integers.populations import IntegerPopulation, MembranePopulation
from ir.quantize.neurons.normalized import NormalizedMembrane
from ir.quantize.ties.firing_rule import compared_rule

PROGRAMMED = (MovingThresholdLif, RefractoryLif, RectifiedLif)
"""The neurons with these integers."""


def firing_population(population: MembranePopulation) -> tuple[IntegerPopulation, int]:
    """The integer neurons of a population that fires, built in or programmed, and the most spikes of one step."""
    if isinstance(population.node.op, AlphaLif):
        return programmed_alpha(population), 1
    if isinstance(population.node.op, PROGRAMMED):
        return programmed_lif(population), 1
    integers = integer_lif(population)
    assert isinstance(integers.op, IntegerLif)
    return integers, integers.op.max_spikes


def programmed_lif(population: MembranePopulation) -> IntegerPopulation:
    """The programmable chip's neurons of a population; CompileError where no number of bits is proven to hold their state."""
    integers = firing_integers(population, compared_rule)
    shift = _adaptation_shift(population)
    own: dict[str, Callable[[NormalizedMembrane], int]] = {
        "adapt_decay": lambda neuron: round(neuron.adapt_decay * (1 << population.arithmetic.decay_bits)),
        "adapt_jump": lambda neuron: round(_in_v(population, neuron.adapt_jump) / (1 << shift)),
        "adapt_start": lambda neuron: round(_in_v(population, neuron.adapt_start) / (1 << shift)),
        "rest": lambda neuron: _checked_rest(population, neuron),
        "floor": lambda neuron: NO_FLOOR if neuron.floor is None else population.amount(neuron.floor),
    }
    constants = {name: population.neurons.per_neuron(number) for name, number in own.items()}
    attributes, params = spread({**integers.constants, **constants})
    taken = any(neuron.takes_adaptation for neuron in population.neurons.members)
    options: dict[str, Any] = {
        **integers.options,
        "adapt_reset": "moving" if taken and integers.options["reset"] == "subtract" else "rest",
    }
    op = ProgrammedLif(**attributes, **options, adapt_shift=shift)
    return integers.population(
        op, params, all(_is_exact(population, each, shift) for each in population.neurons.members)
    )


def _in_v(population: MembranePopulation, amount: Fraction) -> Fraction:
    """What is added to the threshold, in units of v."""
    return amount / population.unit.size * (1 << population.shift)


def _adaptation_shift(population: MembranePopulation) -> int:
    """The least shift with which no neuron's adaptation leaves the width of a state."""
    half = 1 << (population.arithmetic.state_bits - 1)
    return next(
        shift
        for shift in count()
        if all(_largest_adaptation(population, neuron, shift) < half for neuron in population.neurons.members)
    )


def _largest_adaptation(population: MembranePopulation, neuron: NormalizedMembrane, shift: int) -> int:
    """A bound of |b|, in units of 2^shift units of v."""
    to = population.arithmetic
    jump, start = (round(_in_v(population, n) / (1 << shift)) for n in (neuron.adapt_jump, neuron.adapt_start))
    unit = 1 << to.decay_bits
    decay = round(neuron.adapt_decay * unit)
    bounds = [abs(jump) * population.steps] if population.steps else []
    bounds += [-(-abs(jump) * unit // decay)] if decay else []
    bounds += [jump + (1 << (to.state_bits - 1) >> shift)] if jump > 0 else []
    if jump and not bounds:
        what = "spikes lower its threshold, which does not rise again in 12 bits of decay, in a network without windows"
        raise refused(population.node, "range", what)
    most = min(bounds, default=0) if jump else 0
    if neuron.takes_adaptation and min(start, 0) - (most if jump < 0 else 0) << shift < -population.amount(
        neuron.theta
    ):
        raise refused(
            population.node, "range", "its moving threshold falls below zero, so that resets lift the membrane"
        )
    return abs(start) + most


def _checked_rest(population: MembranePopulation, neuron: NormalizedMembrane) -> int:
    if neuron.rest.bit_length() >= population.arithmetic.state_bits:
        raise refused(population.node, "range", f"it rests for {neuron.rest} steps")
    return neuron.rest


def _is_exact(population: MembranePopulation, neuron: NormalizedMembrane, shift: int) -> bool:
    """
    Whether adaptation and floor lose nothing: jumps have the digits that decay shifts out until the window ends.

    What a reset takes of the adaptation has those that the membrane shifts out, too.
    """
    if neuron.floor and _in_v(population, neuron.floor).denominator != 1:
        return False
    if not neuron.adapt_jump and not neuron.adapt_start:
        return True
    jump, start = (_in_v(population, n) / (1 << shift) for n in (neuron.adapt_jump, neuron.adapt_start))
    kept, steps = (1 - neuron.adapt_decay).denominator, population.steps
    if neuron.takes_adaptation:
        kept *= (1 - neuron.decay).denominator
    if kept == 1:
        return jump.denominator == start.denominator == 1
    return steps > 0 and (jump / kept ** (steps - 1)).denominator == (start / kept**steps).denominator == 1
