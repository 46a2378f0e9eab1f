"""The neuron whose membrane never falls below a floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Value
from ir.ops.neuron import Lif
from ir.ops.population import State


@dataclass(frozen=True)
class RectifiedLif(Lif):
    """A `Lif` with v <- max(v, floor) after every step's input, before it fires."""

    kind = "rectified_lif"
    floor: float = 0.0

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        state = super().integrate(state, x, params)
        return state._replace(v=array_namespace(x).clip(state.v, self.floor, None))
