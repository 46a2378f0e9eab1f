"""A population before and after it becomes integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ir.graph import Array, Node
from ir.ops.base import Op
from ir.profile import Arithmetic
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.units.choose_unit import Unit
from ir.quantize.weights import QuantizedArray


@dataclass(frozen=True)
class IntegerPopulation:
    """A population as integers, and what rounding did."""

    op: Op
    bias: QuantizedArray
    """In units of v for a neuron with a membrane, else of weights."""
    threshold: int
    """In weight units; 0 for a population without."""
    decay_error: float
    exact: bool
    """Whether the neuron does what the float one does, ties included; weights, bias and decays apart."""
    constants: dict[str, Array] = field(default_factory=dict[str, Array])
    """Role -> what differs from neuron to neuron."""
    constant: Array = field(default_factory=lambda: np.zeros(()))
    """What comes at every step over synapses of a neuron that always fires, in weight units; zeros where nothing does."""
    ties: str = ""
    """How ties are broken (`ir.quantize.ties.firing_rule`); empty where nothing is done about them."""

    @property
    def params(self) -> dict[str, Array]:
        """The parameters by role; the bias among them where there is one."""
        bias = {"bias": self.bias.integers} if np.any(self.bias.integers) else {}
        return {**self.constants, **bias}


@dataclass(frozen=True)
class MembranePopulation:
    """A population with a membrane, in real numbers, and the unit in which it becomes integers."""

    node: Node
    neurons: DistinctNeurons
    bias: Array
    """Of the float network."""
    unit: Unit
    steps: int
    """Window length, 0 for streaming."""
    current: int
    """Largest magnitude of the summed current, in weight units."""
    arithmetic: Arithmetic
    quantum: int = 1
    """The weight units of which all its weights are multiples; 0 where one of them was rounded."""
    programmable: bool = False
    """Whether the chip's neurons run programs, so that they may compare as they like."""

    @property
    def shift(self) -> int:
        """Of the weighted sum: a weight unit is 2^shift units of v."""
        return self.arithmetic.activation_shift - self.unit.narrowed

    @property
    def widths(self) -> dict[str, int]:
        """The attributes that every chip neuron takes from the profile."""
        to = self.arithmetic
        return {"shift": self.shift, "decay_bits": to.decay_bits, "state_bits": to.state_bits}

    def amount(self, value: Fraction) -> int:
        """An amount of the membrane in units of v."""
        return round(value / self.unit.size * (1 << self.shift))
