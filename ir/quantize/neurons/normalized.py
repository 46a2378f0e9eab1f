"""A neuron in exact numbers, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class NormalizedMembrane:
    """
    A neuron in exact numbers, in the float network's current units.

    J <- (1 - current_decay) J + factor x, U <- (1 - decay) U + J + drift, from U = start; fires above `threshold`.
    """

    decay: Fraction
    drift: Fraction
    threshold: Fraction
    """0 for a neuron without."""
    strict: bool
    """Whether it fires above the threshold only, not at it."""
    theta: Fraction = Fraction(0)
    """What a subtracting reset takes, and how far apart the counts of several spikes lie."""
    start: Fraction = Fraction(0)
    current_decay: Fraction = Fraction(1)
    size: Fraction = Fraction(1)
    """Real value of U = 1."""
    zero: Fraction = Fraction(0)
    """Real value of U = 0."""
    factor: Fraction = Fraction(1)
    """The sign of the input gain for a neuron with threshold."""
    adapt_decay: Fraction = Fraction(0)
    """Of what spikes add to the threshold."""
    adapt_jump: Fraction = Fraction(0)
    """What a spike adds to the threshold."""
    adapt_start: Fraction = Fraction(0)
    """What is added to the threshold before the first step."""
    takes_adaptation: bool = False
    """Whether resets take from U what is added to the threshold, too."""
    rest: int = 0
    """Steps behind a spike in which U stands still."""
    floor: Fraction | None = None
    """The least U; None for none."""

    @property
    def is_whole(self) -> bool:
        """Whether integer currents keep the membrane on integers."""
        return self.decay in (0, 1) and self.current_decay in (0, 1)

    @property
    def digits_lost(self) -> int:
        """Binary digits that current and membrane lose per step: 0 if both are kept or forgotten whole, -1 for uneven decays."""
        grids = [(1 - decay).denominator for decay in (self.decay, self.current_decay)]
        return max(grids).bit_length() - 1 if all(grid & (grid - 1) == 0 for grid in grids) else -1

    def whole_parts(self, steps: int) -> int:
        """Of how many parts of a grid of currents the membrane keeps whole numbers, from rest, for `steps` steps; 0 for none."""
        if self.start or self.floor or self.adapt_jump or self.adapt_start:
            return 0
        if self.is_whole:
            return 1
        return 1 << (self.digits_lost * (steps - 1)) if self.digits_lost > 0 and steps > 0 else 0

    def growth(self, steps: int) -> float:
        """How many times its largest current the membrane can reach within `steps` steps; without end where steps is 0."""
        keep, current_keep = float(1 - self.decay), float(1 - self.current_decay)
        if not steps:
            return 1 / ((1 - keep) * (1 - current_keep)) if keep < 1 and current_keep < 1 else float("inf")
        current = membrane = most = 0.0
        for _ in range(steps):
            current = current_keep * current + 1
            membrane = keep * membrane + current
            most = max(most, membrane, current)
        return most

    def fractions_fit(self, steps: int, shift: int) -> bool:
        """Whether the binary fractions that decays leave within a window fit into the activation shift."""
        if self.is_whole:
            return self.decay == 1 or steps == 1
        return all(_decays_within(decay, steps, shift) for decay in (self.decay, self.current_decay))

    def adaptation_fits(self, steps: int, shift: int) -> bool:
        """Whether the same is true of what spikes add to the threshold, and of what resets take of it."""
        if not self.adapt_jump and not self.adapt_start:
            return True
        keep = (1 - self.adapt_decay) * (1 - self.decay if self.takes_adaptation else 1)
        return keep in (0, 1) or _decays_within(1 - keep, steps + bool(self.adapt_start), shift)


def _decays_within(decay: Fraction, steps: int, shift: int) -> bool:
    """Whether what is whole at the first of `steps` steps keeps less than `shift` binary digits behind the point."""
    digits = (1 - decay).denominator.bit_length() - 1
    return (1 - decay).denominator == 1 << digits and steps > 0 and (steps - 1) * digits < shift
