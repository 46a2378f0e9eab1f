"""What quantisation did to each population, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LayerReport:
    """
    One population.

    unit: real current of one weight unit. threshold: in weight units, 0 without one. weights, saturated: stored weights of
    its projections (a shared matrix once), and how many hit the end of their range. weight_error, bias_error: relative root
    mean square. decay_error: of the chip's decay. proven, seen, room: magnitude of the current in weight units that the
    weights allow, that calibration showed, and at which the chip wraps. exact: nothing at all was rounded, ties included.
    """

    name: str
    module: str
    unit: float
    threshold: int
    weights: int
    saturated: int
    weight_error: float
    bias_error: float
    decay_error: float
    proven: int
    seen: int
    room: int
    exact: bool


@dataclass(frozen=True)
class QuantizationReport:
    """
    All populations in order, and the real value of one integer.

    scales: chip input or payload population -> real value of one emitted integer (1 for spikes).
    """

    layers: tuple[LayerReport, ...]
    scales: Mapping[str, float]

    @property
    def saturated(self) -> int:
        """Weights and biases that hit the end of their range, in all."""
        return sum(layer.saturated for layer in self.layers)
