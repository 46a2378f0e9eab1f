"""What follows from a neuron's exact numbers: how far it grows, and whether its fractions fit."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import pytest

from ir.quantize.neurons.normalized import NormalizedMembrane


def neuron(decay: float, current_decay: float = 1.0, **more: Any) -> NormalizedMembrane:
    return NormalizedMembrane(
        Fraction(decay), Fraction(0), Fraction(1), True, current_decay=Fraction(current_decay), **more
    )


@pytest.mark.parametrize(
    ("member", "steps", "growth"),
    [(neuron(0.5), 0, 2), (neuron(0.5), 2, 1.5), (neuron(0.0), 3, 3), (neuron(0.0), 0, inf), (neuron(0.5, 0.5), 0, 4)],
)
def test_what_the_membrane_can_become(member: NormalizedMembrane, steps: int, growth: float):
    assert member.growth(steps) == growth


@pytest.mark.parametrize(
    ("decays", "most"), [((0.5, 1.0), 6), ((0.25, 1.0), 3), ((0.5, 0.5), 6), ((0.5, 0.25), 3), ((0.3, 1.0), 1)]
)
def test_every_step_shifts_out_the_digits_of_the_decay(decays: tuple[float, float], most: int):
    assert [steps for steps in range(1, 9) if neuron(*decays).fractions_fit(steps, 6)] == list(range(1, most + 1))


def test_adaptation_has_fractions_of_its_own():
    quarter = neuron(1.0, adapt_decay=Fraction(3, 4), adapt_jump=Fraction(1))
    assert [steps for steps in range(1, 9) if quarter.adaptation_fits(steps, 6)] == [1, 2, 3]
    assert not quarter.adaptation_fits(0, 6)
    for still in (neuron(0.5), neuron(0.5, adapt_decay=Fraction(1), adapt_jump=Fraction(1, 3))):
        assert still.adaptation_fits(0, 6)
