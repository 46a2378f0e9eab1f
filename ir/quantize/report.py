"""What quantisation did to each population, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from ir.graph import Node
from ir.quantize.integer_neurons import IntegerPopulation
from ir.quantize.weights import QuantizedArray


@dataclass(frozen=True)
class LayerReport:
    """One population and the projections that feed it."""

    name: str
    module: str
    unit: float
    """Real current of one weight unit."""
    threshold: int
    """In weight units, 0 for a population without one."""
    weights: int
    """Stored weights of its projections, a shared matrix once."""
    saturated: int
    """Weights and biases that hit the end of their range."""
    weight_error: float
    """Relative root mean square, of the projection where it is largest."""
    bias_error: float
    """Relative root mean square."""
    decay_error: float
    """Of the chip's decay, with its sign."""
    proven: int
    """Magnitude of the current that the weights allow, in weight units."""
    seen: int
    """Magnitude of the current that calibration showed, in weight units."""
    room: int
    """Magnitude at which the chip's current wraps, in weight units."""
    exact: bool
    """Whether nothing at all was rounded, ties included."""
    ties: str
    """What makes neurons at their threshold fire (`ir.quantize.ties.firing_rule`); empty where nothing does, or has to."""


@dataclass(frozen=True)
class QuantizationReport:
    """All populations of a network."""

    layers: tuple[LayerReport, ...]
    """In graph order."""
    scales: Mapping[str, float]
    """Chip input or population -> real value of one emitted integer; 1 for spikes."""

    @property
    def saturated(self) -> int:
        """Weights and biases that hit the end of their range, in all."""
        return sum(layer.saturated for layer in self.layers)


def layer_report(
    node: Node,
    unit: Fraction,
    integers: IntegerPopulation,
    weights: tuple[QuantizedArray, ...],
    currents: tuple[int, int],
    room: int,
) -> LayerReport:
    """
    What rounding did to a population.

    Args:
        weights: every stored weight that feeds it, once. currents: the proven and the calibrated magnitude, in weight units.
        room: the magnitude at which the chip wraps.
    """
    clipped = sum(part.saturated for part in weights) + integers.bias.saturated
    error = max((part.error for part in weights), default=0.0)
    proven, seen = currents
    return LayerReport(
        name=node.name,
        module=node.provenance.module,
        unit=float(unit),
        threshold=integers.threshold,
        weights=sum(prod(part.integers.shape) for part in weights),
        saturated=clipped,
        weight_error=error,
        bias_error=integers.bias.error,
        decay_error=integers.decay_error,
        proven=proven,
        seen=seen,
        room=room,
        exact=integers.exact and not (clipped or error or integers.bias.error or integers.decay_error),
        ties=integers.ties,
    )
