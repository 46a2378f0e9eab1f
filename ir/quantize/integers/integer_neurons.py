"""
The integers of a population with a membrane: decays, thresholds, bias, start, and a parameter where neurons differ.

The chip adds the bias to v, a float network to the input of the synaptic current J. With J = J' + B / d, B the constant input
and d the current's decay, J' gets no constant, starts at -B / d, and v gets a bias of B / d: the same at every step.

How ties are kept, since the chip compares strictly, is told in `ir.quantize.ties.firing_rule`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops.base import Op
from ir.ops.float_neurons.alpha import AlphaLif
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.profile import Arithmetic
from ir.quantize.integers.populations import IntegerPopulation, MembranePopulation
from ir.quantize.neurons.normalize import forgets
from ir.quantize.ties.firing_numbers import FiringNumbers
from ir.quantize.ties.firing_rule import FiringRule, firing_rule
from ir.quantize.weights import QuantizedArray, round_bias

CHIP_RESET = {"value": "zero", "subtract": "subtract", "none": "none"}
"""Reset of the source -> the chip's."""


def constant_input(population: MembranePopulation) -> tuple[Array, Array, Array]:
    """(bias of v, start of J, start of v) in weight units, as real numbers, from drift, bias and start."""
    neurons, unit, op = population.neurons, population.unit.size, population.node.op
    drift = neurons.per_neuron(lambda neuron: float(neuron.drift / unit))
    start = neurons.per_neuron(lambda neuron: float(neuron.start / unit))
    constant = neurons.per_neuron(lambda neuron: float(neuron.factor)) * population.bias / float(unit)
    assert isinstance(op, (Lif, Leaky))
    if isinstance(op, AlphaLif):  # both of its currents take the constant as they take the input
        return drift + constant, np.zeros(()), start
    late = op.order == "membrane_first"
    decay = neurons.per_neuron(lambda neuron: _rounded_decay(neuron.current_decay, population.arithmetic))
    if not np.any(constant) or (np.all(decay == 1) and not late):
        return drift + constant, np.zeros(()), start
    keep = neurons.per_neuron(lambda neuron: 1 - float(neuron.decay))
    if np.any(decay == 0) or (late and np.any((decay == 1) & (keep == 0))):
        what = "a bias into a synaptic current that never decays, or late into no memory"
        raise refused(population.node, "bias", what)
    steady = constant / decay
    if not late:
        return drift + steady, -steady * (decay < 1), start
    # the membrane sees the current of the step before: J' starts one decay earlier, and where J has no memory v makes up for it
    earlier = np.where(decay == 1, 0.0, -steady / np.where(decay == 1, 1.0, 1 - decay))
    missed = np.where(decay == 1, steady / np.where(keep == 0, 1.0, keep), 0.0)
    return drift + steady, earlier, start - missed


@dataclass(frozen=True)
class FiringIntegers:
    """What all integer neurons that fire have in common."""

    rule: FiringRule
    constants: dict[str, Array]
    """Attribute -> its value, neuron by neuron: decays, starts, threshold, and what resets take."""
    options: dict[str, Any]
    """The attributes that are no constants of single neurons."""
    decay_error: float

    def population(self, op: Op, params: dict[str, Array], exact: bool) -> IntegerPopulation:
        """The population of this operation; `exact`: whether what it has beside these is."""
        rule = self.rule
        exact = exact and rule.exact
        return IntegerPopulation(
            op,
            rule.bias,
            int(rule.vth.max()),
            self.decay_error,
            exact,
            params,
            rule.constant,
            rule.ties if exact else "",
        )


def firing_integers(
    population: MembranePopulation, rule_of: Callable[[FiringNumbers, bool], FiringRule]
) -> FiringIntegers:
    """
    The integers of a population that fires.

    Args:
        rule_of: numbers, and whether they can be exact -> thresholds, biases and comparator.
    """
    op, neurons, to = population.node.op, population.neurons, population.arithmetic
    assert isinstance(op, Lif)
    if op.reset not in CHIP_RESET:
        raise refused(population.node, "reset", f"no chip resets by {op.reset}")
    drive, u0, v0 = constant_input(population)
    takes = op.reset == "subtract" or op.max_spikes != 1
    numbers = FiringNumbers(neurons, population.unit, drive, (u0, v0), takes, population.steps, to, population.quantum)
    decay_error = _decay_error(population)
    rule = rule_of(numbers, population.quantum > 0 and not decay_error)
    reach = max(_reach(population, rule.bias, rule.constant), int(rule.vth.max()) << population.shift)
    constants = {**_decays(population, reach), **_starts(population, u0, v0), "vth": rule.vth}
    if takes:
        constants["theta"] = neurons.per_neuron(lambda neuron: max(1, population.amount(neuron.theta)))
    forgotten = all(forgets(op, neuron.decay) for neuron in neurons.members)
    reset = "zero" if forgotten else CHIP_RESET[op.reset]
    options = {**population.widths, "reset": reset, "reset_at": op.reset_at, "comparator": rule.comparator}
    return FiringIntegers(rule, constants, options, decay_error)


def integer_lif(population: MembranePopulation) -> IntegerPopulation:
    """The chip's threshold neurons of a population."""
    op = population.node.op
    assert isinstance(op, Lif)
    integers = firing_integers(population, partial(firing_rule, programmable=population.programmable))
    attributes, params = spread(integers.constants)
    theta = integers.constants.get("theta")
    spikes = 1 if theta is None else most_spikes(op, theta, population.arithmetic)
    neuron = IntegerLif(**attributes, **integers.options, micro=op.micro, max_spikes=spikes)
    return integers.population(neuron, params, True)


def integer_leaky(population: MembranePopulation, bits: int, right: int) -> IntegerPopulation:
    """The chip's neurons without threshold; they emit v >> right as payloads of `bits` bits."""
    neurons, to = population.neurons, population.arithmetic
    drive, u0, v0 = constant_input(population)
    bias = round_bias(drive * (1 << population.shift), to)
    constants = {**_decays(population, _reach(population, bias, np.zeros(()))), **_starts(population, u0, v0)}
    attributes, params = spread(constants)
    op = IntegerLeaky(**attributes, **population.widths, bits=bits, right=right)
    fits = all(
        neuron.is_whole or neuron.fractions_fit(population.steps, population.shift) for neuron in neurons.members
    )
    return IntegerPopulation(op, bias, 0, _decay_error(population), fits and not right, params)


def most_spikes(op: Lif, theta: Array, arithmetic: Arithmetic) -> int:
    """The most spikes of one step that the source, the membrane's width and a payload allow."""
    if op.max_spikes == 1:
        return 1
    payload = (1 << (arithmetic.payload_bits - 1)) - 1
    membrane = -(-(1 << (arithmetic.state_bits - 1)) // int(theta.min()))
    return max(1, min(op.max_spikes or payload, payload, membrane))


def _reach(population: MembranePopulation, bias: QuantizedArray, constant: Array) -> int:
    """The largest magnitude that v gets in one step, in units of v."""
    current = population.current + int(np.abs(constant).max())
    return (current << population.shift) + int(np.abs(bias.integers).max(initial=0))


def _rounded_decay(decay: Fraction, arithmetic: Arithmetic) -> float:
    unit = 1 << arithmetic.decay_bits
    return round(decay * unit) / unit


def _decays(population: MembranePopulation, reach: int) -> dict[str, Array]:
    """du and dv; the widest legal dv is memoryless only where nothing of magnitude `reach` survives it."""
    unit = 1 << population.arithmetic.decay_bits
    full = unit - 1 if reach < unit else unit
    return {
        "du": population.neurons.per_neuron(lambda neuron: round(neuron.current_decay * unit) - 1),
        "dv": population.neurons.per_neuron(lambda neuron: full if neuron.decay == 1 else round(neuron.decay * unit)),
    }


def _starts(population: MembranePopulation, u0: Array, v0: Array) -> dict[str, Array]:
    """The starts of u and v in units of v, where they are not zero."""
    shift, bits = population.shift, population.arithmetic.state_bits
    starts = {"u0": np.rint(u0 * (1 << shift)), "v0": np.rint(v0 * (1 << shift))}
    for name, value in starts.items():
        if np.any(np.abs(value) >= 1 << (bits - 1)):
            what = f"a start of {name[0]} of {np.abs(value).max():.9g} units does not fit {bits} bits"
            raise refused(population.node, "start", what)
    return {name: value.astype(np.int64) for name, value in starts.items() if np.any(value)}


def spread(constants: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Attributes for what all neurons share, and parameters beside them for what differs."""
    attributes = {name: int(np.max(array)) for name, array in constants.items()}
    differing = {name: array for name, array in constants.items() if np.any(array != array.ravel()[0])}
    return attributes, {name: array.astype(np.int32) for name, array in differing.items()}


def _decay_error(population: MembranePopulation) -> float:
    """The largest rounding of a decay, with its sign; none where nothing lives long enough to decay."""
    members = population.neurons.members
    decays = {decay for neuron in members for decay in (neuron.decay, neuron.current_decay, neuron.adapt_decay)}
    errors = [float(decay) - _rounded_decay(decay, population.arithmetic) for decay in decays]
    return max(errors, key=abs)


def refused(node: Node, rule: str, what: str) -> CompileError:
    """The error of a population that no integers are for."""
    where = f"%{node.name}  {node.provenance}"
    return CompileError(f"quantize.{rule}", what, where=where, hint="use --precision float")
