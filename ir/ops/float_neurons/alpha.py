"""The neuron behind an alpha-shaped current: a fast decay subtracted from a slow one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State
from ir.types import Type


@dataclass(frozen=True)
class AlphaLif(Lif):
    """
    Two currents, one excited and one inhibited by the input, whose difference is the membrane (which has no leak itself):

    e <- keep_slow e + x;  h <- keep_fast h - x;  v <- gain (e + h);  s = [v > threshold] or [v >= threshold].

    A spike takes effect behind the next step's input (reset_at next). value: e, h, v <- 0. subtract, as snnTorch has it:
    e <- e - threshold, h <- 0, v <- v + (h before the step). none: nothing.
    """

    kind = "alpha_lif"
    keep_slow: float = 0.0
    keep_fast: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        usual = (self.reset_at, self.max_spikes, self.v_reset, self.v0) == ("next", 1, 0.0, 0.0)
        expect(usual and self.reset != "subtract_once", "alpha_lif.option", "resets to 0, one step late, single spikes")
        return super().infer(args, params)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return State(zero, zero, None, zero)

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        slow, fast = (self.constant(name, params) for name in ("keep_slow", "keep_fast"))
        e, h = slow * state.current + x, fast * state.extra - x
        v = self.constant("gain", params) * (e + h)
        if state.fired is None or self.reset == "none":
            return State(v, e, None, h)
        xp, zero = array_namespace(x), array_namespace(x).zeros_like(x)
        if self.reset == "value":
            v, e, h = (xp.where(state.fired, zero, value) for value in (v, e, h))
            return State(v, e, None, h)
        taken = (v + state.extra, e - self.constant("threshold", params), zero)
        v, e, h = (xp.where(state.fired, a, b) for a, b in zip(taken, (v, e, h), strict=True))
        return State(v, e, None, h)
