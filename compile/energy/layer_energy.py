"""The energies of one module of the source model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compile.energy.simulated import Counts


@dataclass(frozen=True)
class LayerEnergy:
    """One module of the source model, per sample."""

    module: str
    layer: str
    """The population that it feeds, or is; "" for the host."""
    counts: Counts
    """Events that were counted."""
    formula_pj: Fraction
    """What the general formula charges."""
    counted_pj: Fraction
    """The events times the chip's prices."""
    dense_twin_pj: Fraction
    """What the module of the dense twin costs."""
    host_pj: Fraction
    """What the host computes of it, at the formula's prices."""
    causes: Mapping[str, Fraction]
    """Cause -> energy; they add up to counted_pj - formula_pj exactly."""

    def is_charged(self) -> bool:
        """Whether anything at all is charged here by any of the models."""
        return bool(self.formula_pj or self.dense_twin_pj or self.host_pj or self.counts != Counts() or self.causes)

    def plain(self) -> dict[str, Any]:
        """As JSON content; energies in pJ and events per sample, as floats."""
        energies = ("formula_pj", "counted_pj", "dense_twin_pj", "host_pj")
        return {
            "module": self.module,
            "layer": self.layer,
            "events_per_sample": floats(self.counts.by_price()),
            **floats({name: getattr(self, name) for name in energies}),
            "causes_pj": floats(self.causes),
        }


def floats(values: Mapping[str, Fraction]) -> dict[str, float]:
    """Exact numbers as JSON content."""
    return {name: float(value) for name, value in values.items()}
