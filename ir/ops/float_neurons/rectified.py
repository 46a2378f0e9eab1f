"""The neuron whose membrane is scaled, and never falls below a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State, check_options
from ir.types import Type

KEPT = ("scaled", "unscaled")


@dataclass(frozen=True)
class RectifiedLif(Lif):
    """
    v <- max(scale c, floor), c what the membrane of a `Lif` would be; then it fires and resets as that does.

    What is kept for the next step is v (`scaled`), or v / scale where no reset set it to a value (`unscaled`).
    """

    kind = "rectified_lif"
    scale: float = 1.0
    floor: float = 0.0
    kept: str = "scaled"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"kept": KEPT})
        legal = (self.max_spikes, self.reset_at) == (1, "spike") and self.reset != "subtract_once" and self.scale > 0
        expect(legal, "rectified_lif.option", "takes a scale above 0, single spikes, resets at once")
        return super().infer(args, params)

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        state = super().integrate(state, x, params)
        scaled, floor = self.constant("scale", params) * state.v, self.constant("floor", params)
        return state._replace(v=array_namespace(x).clip(scaled, floor, None))

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        if self.kept == "scaled":
            return super().settle(state, spikes, params)
        if self.reset == "value":
            return super().settle(state._replace(v=state.v / self.constant("scale", params)), spikes, params)
        settled = super().settle(state, spikes, params)
        return settled._replace(v=settled.v / self.constant("scale", params))
