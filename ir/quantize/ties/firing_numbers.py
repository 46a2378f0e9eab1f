"""What neurons compare, in weight units: their thresholds, and whether membranes are whole."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ir.graph import Array
from ir.profile import Arithmetic
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.neurons.normalized import NormalizedMembrane
from ir.quantize.units.choose_unit import Unit


@dataclass(frozen=True)
class FiringNumbers:
    """What the neurons of a population compare, in real numbers of weight units."""

    neurons: DistinctNeurons
    unit: Unit
    drive: Array
    """The constant input of v."""
    start: tuple[Array, Array]
    """Of u and v."""
    resets_take: bool
    """Whether resets take the thresholds' amount from v."""
    steps: int
    """Window length, 0 for streaming."""
    arithmetic: Arithmetic
    quantum: int = 1
    """The weight units of which every current is a multiple."""

    @property
    def ratios(self) -> dict[NormalizedMembrane, Fraction]:
        """The threshold of every distinct neuron."""
        return {neuron: neuron.threshold / self.unit.size for neuron in self.neurons.members}

    @property
    def strict(self) -> bool:
        """Whether the source fires above its threshold only."""
        return self.neurons.members[0].strict

    def thresholds(self, rounded: dict[NormalizedMembrane, int]) -> Array:
        """Integer thresholds, neuron by neuron."""
        return self.neurons.per_neuron(lambda neuron: rounded[neuron])

    @property
    def rounded(self) -> dict[NormalizedMembrane, int]:
        """The threshold of every distinct neuron in weight units, to the nearest that may be; none above 0 becomes 0."""
        grain = self.unit.grain
        return {neuron: max(round(r / grain), int(r > 0)) * grain for neuron, r in self.ratios.items()}

    @property
    def one(self) -> int:
        """A weight unit in units of v."""
        return 1 << (self.arithmetic.activation_shift - self.unit.narrowed)

    @property
    def stays_whole(self) -> bool:
        """Whether every membrane is a whole number of weight units at every step."""
        u0, v0 = self.start
        at_rest = not np.any(u0) and not np.any(v0)
        spent = self.resets_take and any(
            (each.theta / self.unit.size).denominator != 1 for each in self.neurons.members
        )
        lossless = (self.steps == 1 and at_rest) or all(each.is_whole for each in self.neurons.members)
        whole = all(bool(np.all(part == np.rint(part))) for part in (self.drive, u0, v0))
        return whole and not spent and (lossless or (at_rest and self._halves_to_whole()))

    def _halves_to_whole(self) -> bool:
        """Whether currents and drive are so many weight units that halvings leave none but whole ones until the window ends."""
        parts = {neuron.whole_parts(self.steps) for neuron in self.neurons.members}
        if self.resets_take or not min(parts) or not self.quantum:
            return False
        return self.quantum % max(parts) == 0 and not np.any(self.drive % max(parts))
