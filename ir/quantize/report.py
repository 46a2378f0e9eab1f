"""What quantisation did to each population, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

from ir.graph import Node
from ir.quantize.integers.populations import IntegerPopulation
from ir.quantize.neurons.distinct import MembraneUnits
from ir.quantize.weights import QuantizedArray


@dataclass(frozen=True)
class LayerReport:
    """One population and the projections that feed it."""

    name: str
    module: str
    unit: float
    """Real current of one weight unit; in steps, where rows of weights have steps of their own."""
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
    bits: int
    """Of a mantissa, sign included, that the weights use, in the projection that uses the fewest."""
    exact: bool
    """Whether nothing at all was rounded, ties included."""
    ties: str
    """What makes neurons at their threshold fire (`ir.quantize.ties.firing_rule`); empty where nothing does, or has to."""
    limit: str
    """
    What keeps the layer from being exact: `weights` of more bits than a mantissa has; the `range` of the current, a `threshold`
    or a `bias` that does not fit a finer unit; `decay`, `bias` or `ties` where only these are rounded. Empty where it is exact.
    """


@dataclass(frozen=True)
class QuantizationReport:
    """All populations of a network."""

    layers: tuple[LayerReport, ...]
    """In graph order."""
    scales: Mapping[str, float]
    """Chip input or population -> real value of one emitted integer; 1 for spikes."""

    membranes: Mapping[str, MembraneUnits] = field(default_factory=dict[str, MembraneUnits])
    """Population with a membrane -> (real value of one unit of v, real value of v = 0)."""

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
    bounds: Mapping[str, float],
    levels: int,
) -> LayerReport:
    """
    What rounding did to a population.

    Args:
        weights: every stored weight that feeds it, once. currents: the proven and the calibrated magnitude, in weight units.
        room: the magnitude at which the chip wraps. bounds: what keeps the unit from being finer -> the finest unit with it.
        levels: the largest mantissa.
    """
    saturated = sum(part.saturated for part in weights)
    error = max((part.error for part in weights), default=0.0)
    used = [min(part.mantissa, levels) for part in weights if part.mantissa]  # there is one more below zero
    rounded = {
        "weights": error or saturated,
        "decay": integers.decay_error,
        "bias": integers.bias.error or integers.bias.saturated,
        "ties": not integers.exact,
    }
    limits = [name for name, wrong in rounded.items() if wrong]
    binding, finest = max(bounds.items(), key=lambda bound: bound[1])
    if error and max(used, default=0) <= levels // 2 and finest > float(unit) / 2:
        limits = [binding]
    proven, seen = currents
    return LayerReport(
        name=node.name,
        module=node.provenance.module,
        unit=float(unit),
        threshold=integers.threshold,
        weights=sum(prod(part.integers.shape) for part in weights),
        saturated=saturated + integers.bias.saturated,
        weight_error=error,
        bias_error=integers.bias.error,
        decay_error=integers.decay_error,
        proven=proven,
        seen=seen,
        room=room,
        bits=min(used, default=0).bit_length() + 1,
        limit=next(iter(limits), ""),
        exact=not limits,
        ties=integers.ties,
    )
