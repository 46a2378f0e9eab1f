"""The neurons whose membrane drives itself: quadratic, exponential, and both with an adaptation current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State, as_spikes, check_options
from ir.types import Type

DRIVES = ("quadratic", "exponential")
READS = ("new", "old")


@dataclass(frozen=True)
class NonlinearLif(Lif):
    """
    A threshold neuron with a membrane that drives itself and an adaptation current w, i the synaptic current (`Membrane`):

    quadratic    v <- v + decay (i + sharpness (v - leak) (v - critical) - w)
    exponential  v <- v + decay ((leak - v) + sharpness exp((v - critical) / sharpness) + i - w)
                 w <- w + w_decay (w_gain (v - leak) - w), then w <- w + w_jump s;  w starts at w0

    w reads the `new` membrane before its reset, or the `old` one of the step before. decay 1 / tau: divided by tau where
    `tau` is not 0, as frameworks do. QIF, EIF, Izhikevich's neuron and AdEx are instances.
    """

    kind = "nonlinear_lif"
    drive: str = "quadratic"
    sharpness: float = 1.0
    critical: float = 0.0
    tau: float = 0.0
    w_decay: float = 0.0
    w_gain: float = 0.0
    w_jump: float = 0.0
    w0: float = 0.0
    w_reads: str = "new"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"drive": DRIVES, "w_reads": READS})
        usual = (self.form, self.order, self.reset_at, self.max_spikes, self.gain)
        legal = usual == ("euler", "current_first", "spike", 1, 1.0) and self.reset != "subtract_once"
        expect(legal, "nonlinear_lif.option", "takes form euler, order current_first, single spikes, resets at once")
        return super().infer(args, params)

    @property
    def adapts(self) -> bool:
        """Whether there is an adaptation current at all."""
        return any((self.w_decay, self.w_gain, self.w_jump, self.w0))

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return super().begin(x, params)._replace(extra=zero + self.w0 if self.adapts else None)

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        current = self._synapse(state.current, x, params)
        drive = self._drive(state, current)
        v = state.v + (drive / self.tau if self.tau else self.decay * drive)
        kept = None if state.current is None else current
        return state._replace(v=v, current=kept, extra=self._adapted(state, v))

    def _drive(self, state: State, i: Value) -> Value:
        """What moves the membrane, summed in the order in which frameworks do."""
        v, w = state.v, state.extra
        if self.drive == "quadratic":
            drive = i + self.sharpness * (v - self.leak) * (v - self.critical)
            return drive if w is None else drive - w
        upswing = self.sharpness * array_namespace(v).exp((v - self.critical) / self.sharpness)
        return i + self.leak - v + upswing if w is None else (self.leak - v) + upswing + i - w

    def _adapted(self, state: State, v: Value) -> Value | None:
        if state.extra is None:
            return None
        read = v if self.w_reads == "new" else state.v
        return state.extra + self.w_decay * (self.w_gain * (read - self.leak) - state.extra)

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        new = super().settle(state, spikes, params)
        if state.extra is None:
            return new
        return new._replace(extra=state.extra + self.w_jump * as_spikes(array_namespace(state.v), spikes, state.v))
