"""
The unit of payloads that relays compare: a maximum of integers is exact where all of them have one unit, and no sum wraps.

    x <- sum of w s       relays whose payloads are compared          unit u, in which the weights are rounded
    r <- relu(M - x)      comparisons, by weights of 1 and -1         unit u
    y <- g (x + r)        threshold neurons that read the maximum     unit g u, of which their threshold is a whole number

Nothing about u is left to calibration: the widest difference that weights and emissions allow must fit current and payloads.
Where weights of full mantissas could add up to more, u is coarser, down to weights of FEWEST_BITS bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from ir.errors import DeployError, Violation
from ir.graph import Node
from ir.ops.neuron import Lif
from ir.profile import Arithmetic
from ir.quantize.calibrated import CalibratedNetwork
from ir.quantize.payloads import Emission, is_difference
from ir.quantize.units.amounts import FiringAmounts, firing_amounts
from ir.quantize.units.choose_unit import Unit, choose_unit, finer_unit
from ir.quantize.units.spans import spans, widest_difference
from ir.quantize.weights import WeightStatistics, joint_quantum, weight_levels

HINT = "pool behind the neurons, use average pooling, or --precision float"


FEWEST_BITS = 4
"""Of the largest weight, sign included, at which a unit that keeps differences in range is refused."""


@dataclass(frozen=True)
class Reader:
    """Threshold neurons that take a maximum through synapses of one weight, up to the sign."""

    weight: float
    """Of those synapses, the neurons' input gain included."""
    firing: FiringAmounts
    finest: tuple[float, ...]
    """Lower bounds of their unit, by how far their shift is narrowed."""


def largest_difference(network: CalibratedNetwork, node: Node, emissions: Mapping[str, Emission]) -> int:
    """The largest difference of the payloads that a population compares."""
    wiring, nodes = network.wiring, network.chip.nodes
    sources = {source for name in wiring.projections(node.name) for source in wiring.sources[name]}
    return 2 * max(emissions[source].reach for source in sources if not is_difference(nodes[source]))


def check_difference(network: CalibratedNetwork, node: Node, difference: int) -> None:
    """DeployError where two of a population's sums may differ by more weight units than fit."""
    room = widest_difference(network.arithmetic)
    if difference > room:
        what = f"%{node.name}: sums that are compared can differ by {difference:,} weight units, limit {room:,}"
        where, rule = str(node.provenance), "quantize.maximum"
        numbers = {"number": difference, "limit": room}
        unit = "weight units"
        raise DeployError(
            [Violation(rule=rule, what=what, where=where, hint=HINT, node=node.name, unit=unit, **numbers)]
        )


def compared_unit(
    network: CalibratedNetwork,
    node: Node,
    emissions: Mapping[str, Emission],
    currents: tuple[WeightStatistics, ...],
    own_rows: bool,
) -> Unit:
    """
    The unit of a population whose payloads will be compared.

    Args:
        emissions: of everything before it. currents, own_rows: as in `choose_unit`.

    Raises:
        DeployError: weights that, as coarse as their bits may be, can add up to more than the chip holds.
    """
    least, reader = least_unit(network, node, emissions, currents), _reader(network, node.name)
    if reader is None:
        unit = choose_unit(currents, [least], None, network.arithmetic, own_rows)
        steps = [least] * (network.arithmetic.weight_exponent_max + 1)  # no shift is narrowed: there is none
        return Unit(finer_unit(unit, currents, steps, network.arithmetic, own_rows).size)
    seen = tuple(part.scaled(reader.weight) for part in currents)
    finest = [max(bound, least * reader.weight) for bound in reader.finest]
    unit = choose_unit(seen, finest, reader.firing, network.arithmetic, own_rows)
    return Unit(unit.size / Fraction(reader.weight))


def is_coarsened(least: float, currents: tuple[WeightStatistics, ...], arithmetic: Arithmetic) -> bool:
    """Whether the range of what is compared, not their bits, says how coarse weights are."""
    return least * weight_levels(arithmetic) > max((part.largest for part in currents), default=0.0)


def least_unit(
    network: CalibratedNetwork,
    node: Node,
    emissions: Mapping[str, Emission],
    currents: tuple[WeightStatistics, ...],
) -> float:
    """The finest unit at which no difference of two sums can wrap, nor what rounding the weights adds to it."""
    room = widest_difference(network.arithmetic)
    difference, rounding = 2 * float(np.abs(network.bias(node)).max(initial=0.0)), 1.0
    for name, span in spans(network.chip, network.wiring, node, network.weights).items():
        emission = max((emissions[source] for source in network.wiring.sources[name]), key=lambda item: item.reach)
        difference += span.weights * emission.reach * emission.scale
        rounding += span.terms * emission.reach / 2
    quanta = [part.quantum for part in currents if part.quantum is not None]
    if len(quanta) == len(currents) and joint_quantum(quanta) >= difference / room:
        return difference / room
    coarsest = max((part.largest for part in currents), default=0.0) / ((1 << (FEWEST_BITS - 1)) - 1)
    check_difference(network, node, ceil(difference / coarsest + rounding) if coarsest else 0)
    return difference / (room - rounding)


def _reader(network: CalibratedNetwork, relay: str) -> Reader | None:
    """The one population of threshold neurons that reads the maximum; None where there is none, or its synapses differ."""
    chip, readers = network.chip, set[tuple[str, float]]()
    for name, target in network.wiring.populations_reading(relay):
        like = network.weight_statistics[name]
        if target not in network.compared:
            readers.add((target, like.largest if like.quantum == like.largest else 0.0))
    ((target, weight),) = readers if len(readers) == 1 else [("", 0.0)]
    if not weight or not isinstance(chip.nodes[target].op, Lif):
        return None
    node = chip.nodes[target]
    neurons, bias, programmable = network.neurons.get(target), network.bias(node), network.programmable
    firing = firing_amounts(node, neurons, bias, chip.steps, network.arithmetic, programmable)
    finest = tuple(max(bounds.values()) for bounds in network.finest_units(node))
    return None if firing is None else Reader(weight, firing, finest)
