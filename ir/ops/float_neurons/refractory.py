"""The neuron that rests after a spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State
from ir.types import Type


@dataclass(frozen=True)
class RefractoryLif(Lif):
    """
    A `Lif` whose membrane stands still, and which emits nothing, for `rest` steps after a spike; its current goes on.

    r starts at 0. Where r > 0: v stays, s = 0, r <- max(r - 1, 0); elsewhere a step of `Lif`, and r <- rest where s.
    """

    kind = "refractory_lif"
    rest: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        legal = (self.max_spikes, self.reset_at) == (1, "spike") and self.reset != "subtract_once"
        expect(legal, "refractory_lif.spikes", "a neuron rests after single spikes that reset at once")
        return super().infer(args, params)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        return super().begin(x, params)._replace(extra=array_namespace(x).zeros_like(x))

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        new = super().integrate(state, x, params)
        assert state.extra is not None
        return new._replace(v=array_namespace(x).where(state.extra > 0, state.v, new.v))

    def fires(self, state: State, params: Mapping[str, Value]) -> Value:
        assert state.extra is not None
        ready: Value = state.extra <= 0
        return self.fire(state.v, params) & ready

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        xp, left = array_namespace(state.v), state.extra
        assert left is not None
        left = xp.where(left > 0, xp.clip(left - 1, 0, None), left)
        rest = self.constant("rest", params)
        return super().settle(state, spikes, params)._replace(extra=xp.where(spikes, xp.zeros_like(left) + rest, left))
