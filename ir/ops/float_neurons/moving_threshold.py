"""The neuron whose own spikes raise its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State, as_spikes, check_options
from ir.types import Type

ADAPTED_RESETS = ("rest", "moving")
"""What a reset subtracts: the threshold that the neuron starts from and decays to, or the one that it has."""


@dataclass(frozen=True)
class MovingThresholdLif(Lif):
    """
    A `Lif` with a threshold b of its own, which starts at `threshold + adapt_start`, decays to `threshold`, and jumps at spikes:

    b <- b + adapt_decay (threshold - b);  s = [v > b] or [v >= b];  b <- b + adapt_jump s.

    A reset that subtracts takes `threshold` (`adapt_reset` rest), or b as it is when the reset comes (moving): before the jump,
    or one step later behind the decay.
    """

    kind = "moving_threshold_lif"
    adapt_decay: float = 0.0
    adapt_jump: float = 0.0
    adapt_start: float = 0.0
    adapt_reset: str = "rest"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        single = self.max_spikes == 1 and self.reset != "subtract_once"
        expect(single, "moving_threshold_lif.spikes", "a moving threshold is for single spikes, without subtract_once")
        check_options(self, {"adapt_reset": ADAPTED_RESETS})
        moving = self.adapt_reset == "moving"
        expect(not moving or self.reset == "subtract", "moving_threshold_lif.reset", "only subtracting resets take b")
        return super().infer(args, params)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return (
            super()
            .begin(x, params)
            ._replace(extra=zero + self.constant("threshold", params) + self.constant("adapt_start", params))
        )

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        fired = state.fired if self.adapt_reset == "moving" else None
        state = super().integrate(state if fired is None else state._replace(fired=None), x, params)
        decay, rest = self.constant("adapt_decay", params), self.constant("threshold", params)
        b = state.extra + decay * (rest - state.extra)
        v = state.v if fired is None else array_namespace(b).where(fired, state.v - b, state.v)
        return state._replace(v=v, extra=b)

    def level(self, state: State, params: Mapping[str, Value]) -> Value:
        return state.extra

    def fires(self, state: State, params: Mapping[str, Value]) -> Value:
        return state.v >= state.extra if self.comparator == ">=" else state.v > state.extra

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        jump = self.constant("adapt_jump", params) * as_spikes(array_namespace(state.v), spikes, state.v)
        b = state.extra
        if self.adapt_reset == "moving" and self.reset_at == "spike":
            return state._replace(v=array_namespace(b).where(spikes, state.v - b, state.v), extra=b + jump)
        return super().settle(state, spikes, params)._replace(extra=b + jump)
