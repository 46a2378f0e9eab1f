"""
Which neuron an expression is: v' = f(v, s, x), from the membrane v and the spike s of the step before and the current x.

For a neuron of the family `Lif`, f is affine in v and x where there was no spike, and where there was one: its coefficients,
in exact fractions, say all. Anything else is no neuron of the family, and refused with the coefficients that were found.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ir.errors import CompileError
from ir.ops import Leaky, Lif

TINY = Fraction(1, 10**9)
"""Differences of constants below this part of the threshold are rounding of the model's own."""
TRIALS = 8


@dataclass(frozen=True)
class Firing:
    """The comparison that makes the spikes."""

    threshold: float
    comparator: str
    max_spikes: int = 1
    below: bool = False
    """Whether it asks for the complement of the spikes: where they are not."""

    @property
    def counts(self) -> bool:
        """Whether several spikes may come of one step, so that the threshold is their unit, too."""
        return self.comparator == "round" or self.max_spikes != 1


@dataclass(frozen=True)
class Update:
    """f, evaluated."""

    next: Callable[[Any, Any, Any], Any]
    """(v, s, x) -> v', in fractions or in float32 arrays."""
    start: Fraction
    """The compared value at the first step without currents."""
    offsets: tuple[Fraction, ...]
    """What may be added to the compared value to make it the membrane that the model speaks of."""


@dataclass(frozen=True)
class Affine:
    """v' = keep v + gain x + drift."""

    keep: Fraction
    gain: Fraction
    drift: Fraction


class Recognised(NamedTuple):
    """A neuron, and what it is beside its constants."""

    op: Lif
    taken: Fraction = Fraction(0)
    """What a spike of its own takes from its next membrane, where that is no threshold."""
    bias: Fraction = Fraction(0)
    """A current that it takes at every step, where it has no leak to drift by."""


def recognised(update: Update, firing: Firing) -> Recognised:
    """
    The neuron.

    Raises:
        CompileError: import.neuron, with what was found.
    """
    rest, reset = (_affine(update, Fraction(spikes)) for spikes in (0, 1))
    if firing.counts:
        _check_counts(update, rest, reset)
    still = [o for o in update.offsets if rest.keep == 1 or abs(rest.drift + o * (1 - rest.keep)) < TINY]
    first = update.start - (rest.drift if rest.keep == 1 else 0)
    offset = next((o for o in still if abs(first + o) < TINY), next(iter(still), Fraction(0)))
    rest, reset = (replace(form, drift=form.drift + offset * (1 - form.keep)) for form in (rest, reset))
    threshold = Fraction(firing.threshold) + offset
    start = update.start + offset
    keep, drift = rest.keep, _snapped(rest.drift)
    v0 = _snapped((start - drift) / keep) if keep else Fraction(0)
    options, taken = _reset(rest, reset, threshold, firing)
    op = Lif(
        decay=float(1 - keep),
        gain=float(rest.gain),
        form="sum",
        leak=float(drift / (1 - keep)) if drift and keep != 1 else 0.0,
        v0=float(v0),
        threshold=float(threshold),
        comparator=firing.comparator,
        max_spikes=firing.max_spikes,
        **options,
    )
    if keep < 0 or keep > 1:
        raise no_neuron(f"keeps {float(keep):g} of its membrane")
    if drift and keep == 1 and not rest.gain:
        raise no_neuron(f"drifts by {float(drift):g} in every step, and reads nothing")
    return Recognised(op, taken, drift / rest.gain if keep == 1 and drift else Fraction(0))


def leaky(update: Update) -> Leaky:
    """
    The membrane that nothing fires.

    Raises:
        CompileError: import.neuron, with what was found.
    """
    form = _affine(update, Fraction(0))
    keep, drift = form.keep, _snapped(form.drift)
    if keep < 0 or keep > 1 or (drift and keep == 1):
        raise no_neuron(f"keeps {float(keep):g} of its membrane and drifts by {float(drift):g}")
    start = _snapped((update.start - drift) / keep) if keep else Fraction(0)
    leak = float(drift / (1 - keep)) if drift else 0.0
    return Leaky(float(1 - keep), float(form.gain), "sum", leak=leak, v0=float(start))


def _affine(update: Update, spikes: Fraction) -> Affine:
    """The coefficients where the step before emitted `spikes`; exactly, or there are none."""
    zero, one = Fraction(0), Fraction(1)
    drift = update.next(zero, spikes, zero)
    keep, gain = update.next(one, spikes, zero) - drift, update.next(zero, spikes, one) - drift
    generator = random.Random(0)
    for _ in range(TRIALS):
        v, x = (Fraction(generator.randint(-99, 99), generator.randint(1, 9)) for _ in range(2))
        if update.next(v, spikes, x) != keep * v + gain * x + drift:
            raise no_neuron("is not affine in its membrane and its currents")
    return Affine(keep, gain, drift)


def _check_counts(update: Update, rest: Affine, reset: Affine) -> None:
    """Several spikes in a step take as many times what one takes, and change nothing else."""
    linear = all(
        update.next(Fraction(7), Fraction(n), Fraction(3))
        == rest.keep * 7 + rest.gain * 3 + rest.drift + n * (reset.drift - rest.drift)
        for n in (2, 3)
    )
    if not linear or (reset.keep, reset.gain) != (rest.keep, rest.gain):
        raise no_neuron("fires several spikes in a step, which do not subtract as many thresholds")


def _reset(rest: Affine, reset: Affine, threshold: Fraction, firing: Firing) -> tuple[dict[str, Any], Fraction]:
    """What a spike does, as options of `Lif`, and what it takes besides."""
    taken, nothing = rest.drift - reset.drift, Fraction(0)
    if reset.keep == 0 and rest.keep != 0:
        if reset.gain == rest.gain:
            value = _snapped(-taken / rest.keep)
            if value >= threshold > 0:  # it leaks before it is compared, which the zero of a chip's membrane does not
                return {"reset": "value"}, taken
            return {"reset": "value", "v_reset": float(value)}, nothing
        if reset.gain == 0:
            return {"reset": "value", "v_reset": float(_snapped(reset.drift)), "reset_at": "next"}, nothing
    if (reset.keep, reset.gain) == (rest.keep, rest.gain):
        if abs(taken) < TINY:
            return {"reset": "none"}, nothing
        if abs(taken - rest.keep * threshold) < TINY:
            return {"reset": "subtract"}, nothing
        if abs(taken - threshold) < TINY:
            return {"reset": "subtract", "reset_at": "next"}, nothing
        if firing.max_spikes == 1 and rest.gain:
            return {"reset": "none"}, taken
    raise no_neuron(
        f"keeps {float(reset.keep):g} of its membrane after a spike, {float(rest.keep):g} without, takes its current by "
        f"{float(reset.gain):g} and {float(rest.gain):g}, and loses {float(taken):g}",
        "known resets: to a value (at once, or behind the next step's input), by the threshold, none",
    )


def _snapped(number: Fraction) -> Fraction:
    return Fraction(0) if abs(number) < TINY else number


def as_it_rounds(op: Lif, update: Update, offset: float) -> Lif:
    """v + a (x - v) and (1 - a) v + a x round differently: the form that does it as the model."""
    if not op.decay < 1 or abs(op.gain - op.decay) >= TINY:
        return op
    generator = np.random.default_rng(0)
    v, x = generator.normal(size=(2, 1, 4096)).astype(np.float32)
    theirs = update.next(v - np.float32(offset), np.zeros_like(v), x) + np.float32(offset)

    def differing(form: Lif) -> int:
        state = form.begin(v, {})._replace(v=v)
        return int((form.integrate(state, x, {}).v != theirs).sum())

    euler = replace(op, form="euler", gain=1.0)
    return min((op, euler), key=differing)


def no_neuron(what: str, hint: str = "use a neuron of a framework, or one of the equations of `Lif`") -> CompileError:
    return CompileError("import.neuron", f"a neuron that is written out {what}", hint=hint)
