"""The integer neuron behind two currents, a fast one subtracted from a slow one, for chips whose neurons run programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.integer_neuron import CHIP_RESETS, FiringNeuron
from ir.ops.population import COMPARATORS, State, as_spikes, check_options
from ir.types import SPIKE, Type


@dataclass(frozen=True)
class ProgrammedAlpha(FiringNeuron):
    """
    Two currents e and h, from 0, whose sum is the membrane; a the integer total of the weighted spikes, [.] toward zero:

    e <- [e (2^d - du - 1) / 2^d] + (a << shift) + bias
    h <- [h (2^d - dv) / 2^d] - (a << shift) - bias, both clipped to +-(2^(w-1) - 1)
    v = e + h, and then what a spike of the step before does:
        zero      v, e, h <- 0
        subtract  v <- v + [h of the step before, times back / 2^d], e <- e - theta, h <- 0
        none      nothing
    s = [v > vth << shift], or v >= that.  d = decay_bits, w = state_bits; v, e, h, bias, theta in units of v.

    Parameters of the attributes' names hold the constants of single neurons.
    """

    kind = "programmed_alpha"
    reset_at = "next"
    du: int
    dv: int
    vth: int
    shift: int
    decay_bits: int
    state_bits: int
    reset: str = "zero"
    theta: int = 0
    back: int = 0
    comparator: str = ">"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = self._check(args, params, ("du", "dv", "vth", "theta", "back"))
        check_options(self, {"reset": CHIP_RESETS, "comparator": COMPARATORS})
        fits = 0 <= self.back <= 1 << self.decay_bits
        expect(fits, "programmed_alpha.back", f"back {self.back} does not fit {self.decay_bits} bits")
        return Type(shape, SPIKE)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return State(zero, zero, zero > 0, zero)

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        xp, unit = array_namespace(x), 1 << self.decay_bits
        most = (1 << (self.state_bits - 1)) - 1
        drive = (x << self.shift) + params.get("bias", 0)
        e = xp.clip(self._shrunk(state.current, unit - self.constant("du", params) - 1) + drive, -most, most)
        h = xp.clip(self._shrunk(state.extra, unit - self.constant("dv", params)) - drive, -most, most)
        v, fired, zero = e + h, state.fired, xp.zeros_like(e)
        if self.reset == "zero":
            v, e, h = (xp.where(fired, zero, value) for value in (v, e, h))
        elif self.reset == "subtract":
            back = self._shrunk(state.extra, self.constant("back", params))
            taken = (v + back, e - self.constant("theta", params), zero)
            v, e, h = (xp.where(fired, new, old) for new, old in zip(taken, (v, e, h), strict=True))
        fired = v > self.level(params)
        return as_spikes(xp, fired, v), State(v, e, fired, h)

    def _shrunk(self, value: Value, factor: Value) -> Value:
        """The value times a factor of 2^-d, toward zero."""
        xp = array_namespace(value)
        return xp.sign(value) * ((xp.abs(value) * factor) >> self.decay_bits)
