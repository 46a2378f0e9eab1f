"""
Chooses the unit of a population, and the exponents of the weights that feed it.

All weights of a population are multiples of one unit. Where they lie on a grid it keeps them exact; else it is as fine as eight
bits of the largest weight allow, and finer still where that serves smaller ones: every projection has an exponent of its own, so
that its largest weight fills its mantissa, and so has every output channel where neurons are programmable. The threshold is a
whole number of units. What does not fit the current's range then narrows the shift behind the weighted sum: exponents below zero.
Where exact weights leave thresholds coarse, as membranes that fall far below zero do, programmable neurons compare in units of v.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, lcm, log2

import numpy as np

from ir.graph import Array
from ir.profile import Arithmetic
from ir.quantize.units.amounts import FiringAmounts
from ir.quantize.weights import WeightStatistics, joint_quantum, weight_levels

NEAR = 1 << 11
"""Thresholds of so many units are near enough: what is at most half a unit off needs no narrower shift, nor units of v."""


@dataclass(frozen=True)
class Unit:
    """What one integer of a population's weights stands for."""

    size: Fraction
    """Real current of one weight unit."""
    narrowed: int = 0
    """Bits by which the shift of the current is smaller than the chip's."""
    fine: bool = False
    """Whether thresholds are any number of units; else they are multiples of 2^narrowed, as the chip's own neurons have them."""

    @property
    def grain(self) -> int:
        """Units of which thresholds are multiples."""
        return 1 if self.fine else 1 << self.narrowed

    @property
    def step(self) -> Fraction:
        """Real current by which thresholds differ."""
        return self.size * self.grain


def choose_unit(
    currents: tuple[WeightStatistics, ...],
    finest: Sequence[float],
    firing: FiringAmounts | None,
    arithmetic: Arithmetic,
    own_rows: bool,
    step: Fraction | None = None,
) -> Unit:
    """
    The unit of a population: exact for weights on a grid, else fine enough for the weights, and coarse enough for all fields.

    Args:
        currents: of every projection, what one presynaptic integer causes.
        finest: lower bounds of the unit, by how far the shift is narrowed, one alone where there is no shift. firing: None for a
            population without threshold.
        own_rows: whether every row of weights may have an exponent of its own.
        step: where steps were chosen for the weights, what one causes.
    """
    shifts = (
        finest if firing else finest[:1]
    )  # what emits its sum does so at the shift that it has, but for smaller rows
    exact = grid_unit(currents, shifts, firing, arithmetic, own_rows)
    if exact is not None:
        return exact
    unit = _unit_of_steps(step, shifts) if step else None
    unit = unit or _fitting_unit(currents, shifts, firing, weight_levels(arithmetic))
    if firing is None:
        return _finer_payload(unit, currents, finest, arithmetic) if own_rows and len(finest) > 1 else unit
    return finer_unit(unit, currents, finest, arithmetic, own_rows)


def weight_exponents(largest: Array, unit: float, arithmetic: Arithmetic) -> Array:
    """
    The exponents with which weights fit their mantissas, the least that do.

    Args:
        largest: magnitude of the largest weight of each group. unit: real value of one weight unit.
    """
    exponents = np.zeros(np.shape(largest), np.int64)
    for _ in range(arithmetic.weight_exponent_max):
        exponents += np.rint(largest / (unit * np.exp2(exponents))) > weight_levels(arithmetic)
    return exponents


def _unit_of_steps(step: Fraction, finest: Sequence[float]) -> Unit | None:
    """Half a step, between two of which thresholds lie, or a step; with a narrower shift where the current's range needs it."""
    if len(finest) == 1:
        return Unit(step) if finest[0] <= step else None
    for size in (step / 2, step):
        if finest[0] <= size:
            return Unit(size)
    narrowed = next((bits for bits, least in enumerate(finest) if least <= step / 2), None)
    return None if narrowed is None else Unit(step / 2, narrowed, fine=True)


def _fitting_unit(
    currents: tuple[WeightStatistics, ...], finest: Sequence[float], firing: FiringAmounts | None, levels: int
) -> Unit:
    """A unit that the largest weight fills, with the shift as the current's range needs it; the threshold is whole."""
    wanted = max((part.largest for part in currents), default=0.0) / levels
    coarse = max(wanted, finest[0])
    if firing is None or firing.further or not firing.threshold:
        largest_amount = max((firing.threshold, *firing.further)) if firing else Fraction(0)
        return Unit(Fraction(coarse) if coarse else largest_amount or Fraction(1))
    if not coarse:
        return Unit(firing.threshold)
    narrowed = next((bits for bits, least in enumerate(finest) if least <= wanted), len(finest) - 1)
    parts = floor(firing.threshold / Fraction(max(wanted, finest[narrowed])) / (1 << narrowed))
    if parts:
        return Unit(firing.threshold / (parts << narrowed), narrowed)
    return Unit(firing.threshold / max(1, floor(firing.threshold / Fraction(coarse))))


def finer_unit(
    unit: Unit, currents: tuple[WeightStatistics, ...], finest: Sequence[float], arithmetic: Arithmetic, own_rows: bool
) -> Unit:
    """
    The unit divided by a power of two that lets the smallest weights fill their mantissas, as far as the shift can be narrowed.

    The shift is narrowed by as much: a unit of v stays what it was, and so do the ranges that engines have proven.
    """
    unused = _unused_bits(unit, currents, own_rows, arithmetic)
    used = max(
        (int(weight_exponents(part.rows, float(unit.size), arithmetic).max(initial=0)) for part in currents), default=0
    )
    for bits in range(min(unused, arithmetic.weight_exponent_max - used, len(finest) - 1 - unit.narrowed), 0, -1):
        finer = replace(unit, size=unit.size / (1 << bits), narrowed=unit.narrowed + bits)
        if finest[finer.narrowed] <= finer.size:
            return finer
    return unit


def _finer_payload(
    unit: Unit, currents: tuple[WeightStatistics, ...], finest: Sequence[float], arithmetic: Arithmetic
) -> Unit:
    """The same for rows of payloads, whose unit of v becomes finer by as much, as small channels need it, while there is room."""
    for bits in range(min(_unused_bits(unit, currents, True, arithmetic), arithmetic.weight_exponent_max), 0, -1):
        size = unit.size / (1 << bits)
        narrowed = next((narrowed for narrowed, least in enumerate(finest) if least <= size), None)
        if narrowed is not None:
            return Unit(size, narrowed)
    return unit


def _unused_bits(unit: Unit, currents: tuple[WeightStatistics, ...], own_rows: bool, arithmetic: Arithmetic) -> int:
    """By how many bits a unit is coarser than the one at which the smallest weights fill their mantissas."""
    groups = [part.rows if own_rows else np.asarray(part.largest) for part in currents]
    smallest = min((float(group[group > 0].min()) for group in groups if np.any(group)), default=0.0)
    return floor(log2(weight_levels(arithmetic) * float(unit.size) / smallest)) if smallest else 0


def grid_unit(
    currents: tuple[WeightStatistics, ...],
    finest: Sequence[float],
    firing: FiringAmounts | None,
    arithmetic: Arithmetic,
    own_rows: bool,
) -> Unit | None:
    """
    A unit that holds every weight exactly, and the threshold exactly or to a step of 127 at least; None where none does.

    Exponents make up for weights of fewer than eight bits, as far as there are enough.
    """
    if own_rows:
        currents = tuple(row for part in currents for row in part.row_by_row())
    grid = common_grid(currents, arithmetic)
    if grid is None:
        return None
    finer = [_divisions(part, grid, arithmetic) for part in currents if part.largest]

    def most(narrowed: int) -> Fraction:
        return min(*finer, grid / Fraction(finest[narrowed])) if finest[narrowed] else min(finer)

    widths = [(fine, narrowed) for fine in _fineness(firing) for narrowed in range(len(finest)) if most(narrowed) >= 1]
    for fine, narrowed in widths:
        like = Unit(grid, narrowed, fine)
        parts = 1 if firing is None else _parts(like, int(most(narrowed)), firing)
        if parts:
            return replace(like, size=grid / parts)
    if firing is None or not widths:
        return None
    units = [
        Unit(grid / _finer_parts(currents, grid, int(most(narrowed)), finest[narrowed], arithmetic), narrowed, fine)
        for fine, narrowed in widths
    ]
    amount = min((firing.threshold, *firing.further))
    nearest = _nearest(units, amount)
    return nearest if amount >= weight_levels(arithmetic) * nearest.step else None


def _nearest(units: Sequence[Unit], amount: Fraction) -> Unit:
    """The first of these units where its thresholds are near enough to an amount, else that of the finest thresholds."""
    return units[0] if amount >= NEAR * units[0].step else min(units, key=lambda unit: unit.step)


def _fineness(firing: FiringAmounts | None) -> tuple[bool, ...]:
    """Of what thresholds may be whole numbers: of what the chip's own neurons have, and of units of v."""
    return (False, True) if firing is not None and firing.programmable else (False,)


def common_grid(currents: Sequence[WeightStatistics], arithmetic: Arithmetic) -> Fraction | None:
    """Of which all weights are as many as their mantissas and exponents hold; None where they are of none."""
    quanta = [part.quantum for part in currents if part.quantum is not None]
    grid = joint_quantum(quanta)
    if len(quanta) < len(currents) or not grid:
        return None
    holds = all(_divisions(part, grid, arithmetic) >= 1 for part in currents if part.largest)
    return grid if holds else None


def _finer_parts(
    currents: tuple[WeightStatistics, ...], grid: Fraction, parts: int, finest: float, to: Arithmetic
) -> int:
    """Twice as many parts, and again, by exponents alone, as far as all fields allow: thresholds are the nearer."""
    used = max(int(weight_exponents(part.rows, float(grid / parts), to).max(initial=0)) for part in currents)
    for _ in range(used, to.weight_exponent_max):
        if grid / (2 * parts) < finest:
            break
        parts *= 2
    return parts


def _divisions(part: WeightStatistics, grid: Fraction, arithmetic: Arithmetic) -> Fraction:
    """Into how many parts the grid can be divided before a projection's weights leave their mantissas; below 1 for none."""
    levels, largest = weight_levels(arithmetic), Fraction(part.largest)
    assert part.quantum is not None
    multiple = part.quantum / grid
    if largest / grid <= levels:
        return levels * grid / largest
    power = multiple.numerator & -multiple.numerator
    return levels * grid * min(power, 1 << arithmetic.weight_exponent_max) / largest


def _parts(of: Unit, most: int, firing: FiringAmounts) -> int:
    """Into how many parts, `most` at the most, a grid is divided to hold what a population fires at; 0 where none do."""
    grid = of.size
    ratios = [amount / of.step for amount in (firing.threshold, *firing.further)]
    parts = lcm(*(ratio.denominator for ratio in ratios))
    whole = lcm(parts, (firing.constants / grid).denominator) if firing.constants else parts
    parts = whole if whole <= most else parts
    if parts <= most:
        return parts << ((most // parts).bit_length() - 1) if firing.loses_fractions else parts
    return 0 if of.grain > 1 or firing.whole_parts > most else firing.whole_parts
