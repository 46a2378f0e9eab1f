"""The neuron whose own spikes raise its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State, as_spikes
from ir.types import Type


@dataclass(frozen=True)
class MovingThresholdLif(Lif):
    """
    A `Lif` with a threshold b of its own, which starts at `threshold`, decays to it, and jumps at every spike:

    b <- b + adapt_decay (threshold - b);  s = [v > b] or [v >= b];  b <- b + adapt_jump s.
    """

    kind = "moving_threshold_lif"
    adapt_decay: float = 0.0
    adapt_jump: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        single = self.max_spikes == 1 and self.reset != "subtract_once"
        expect(single, "moving_threshold_lif.spikes", "a moving threshold is for single spikes, without subtract_once")
        return super().infer(args, params)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return super().begin(x, params)._replace(extra=zero + self.constant("threshold", params))

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        state = super().integrate(state, x, params)
        decay, rest = self.constant("adapt_decay", params), self.constant("threshold", params)
        return state._replace(extra=state.extra + decay * (rest - state.extra))

    def level(self, state: State, params: Mapping[str, Value]) -> Value:
        return state.extra

    def fires(self, state: State, params: Mapping[str, Value]) -> Value:
        return state.v >= state.extra if self.comparator == ">=" else state.v > state.extra

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        jump = self.constant("adapt_jump", params) * as_spikes(array_namespace(state.v), spikes, state.v)
        return super().settle(state, spikes, params)._replace(extra=state.extra + jump)
