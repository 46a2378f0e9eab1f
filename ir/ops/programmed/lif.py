"""
Integer neurons with one more state or rule than Loihi's own, for chips whose neurons run programs.

One family: the plain neuron's current, decays, rounding and threshold (`ir.ops.integer_neuron`), and beside them a threshold that
spikes raise, rests behind spikes, or a membrane that does not fall below a floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.float_neurons.moving_threshold import ADAPTED_RESETS
from ir.ops.integer_neuron import CHIP_RESETS, FiringNeuron
from ir.ops.population import COMPARATORS, RESET_TIMES, State, as_spikes, check_options
from ir.types import SPIKE, Type

NO_FLOOR = -(1 << 31)
"""Below all that v can be."""


@dataclass(frozen=True)
class ProgrammedLif(FiringNeuron):
    """
    The `IntegerLif` of single spikes, with adaptation b, a rest of r steps, and a floor of v; in this order at every step:

    u, v as in `IntegerLif`, v after a reset that was still to come
    v <- max(v, floor)
    v <- v of the step before, where r > 0
    b <- sgn(b) ((|b| (2^d - adapt_decay)) >> d)
    s = [v > (vth << shift) + (b << adapt_shift)], or v >= that; 0 where r > 0
    v <- 0, v - theta or v where s;  b <- b + adapt_jump s
    r <- rest where s, else max(r - 1, 0)

    b starts at `adapt_start`, r at 0. Where a reset that subtracts takes the moving threshold (`adapt_reset` moving), it takes
    theta + (b << adapt_shift), b as it is when the reset comes: before the jump, or a step later behind the decay; v is then
    clipped to +-(2^(state_bits - 1) - 1). `floor` is in units of v; b, `adapt_start` and `adapt_jump` in units of 2^adapt_shift
    of them. A neuron adapts or rests, not both.
    Parameters of the attributes' names hold the constants of single neurons.
    """

    kind = "programmed_lif"
    du: int
    dv: int
    vth: int
    shift: int
    decay_bits: int
    state_bits: int
    reset: str = "zero"
    theta: int = 0
    u0: int = 0
    v0: int = 0
    reset_at: str = "spike"
    comparator: str = ">"
    floor: int = NO_FLOOR
    adapt_decay: int = 0
    adapt_jump: int = 0
    adapt_shift: int = 0
    adapt_start: int = 0
    adapt_reset: str = "rest"
    rest: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        own = ("floor", "adapt_decay", "adapt_jump", "adapt_start", "rest")
        shape = self._check(args, params, ("du", "dv", "vth", "theta", "u0", "v0", *own))
        options = {"reset": CHIP_RESETS, "reset_at": RESET_TIMES, "comparator": COMPARATORS}
        check_options(self, {**options, "adapt_reset": ADAPTED_RESETS})
        moving = self.adapt_reset == "moving"
        expect(not moving or self.reset == "subtract", "programmed_lif.reset", "only subtracting resets take b")
        keeps = 0 <= self.adapt_decay <= 1 << self.decay_bits and self.rest >= 0 and self.adapt_shift >= 0
        expect(keeps, "programmed_lif.constant", f"an adaptation's decay of {self.adapt_decay}, a rest of {self.rest}")
        alone = not self.rest or not (self.adapt_jump or self.adapt_start or moving or self.reset_at == "next")
        expect(alone, "programmed_lif.rest", "a neuron that rests does not adapt, and resets at once")
        return Type(shape, SPIKE)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return super().begin(x, params)._replace(extra=zero + self.constant("adapt_start", params))

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        u, v = self.compared(state, x, params)
        xp, extra = array_namespace(v), state.extra
        assert extra is not None
        floor = self.constant("floor", params)
        v = xp.where(v < floor, xp.zeros_like(v) + floor, v)
        if self.rest:
            v = xp.where(extra > 0, state.v, v)
            fired = (v > self.level(params)) & (extra <= 0)
            left = xp.where(fired, xp.zeros_like(v) + self.constant("rest", params), xp.clip(extra - 1, 0, None))
        else:
            kept = (1 << self.decay_bits) - self.constant("adapt_decay", params)
            raised = xp.sign(extra) * ((xp.abs(extra) * kept) >> self.decay_bits)
            v = v if state.fired is None else self._moved(v, state.fired, raised)
            fired = v > self.level(params) + (raised << self.adapt_shift)
            left = raised + self.constant("adapt_jump", params) * as_spikes(xp, fired, v)
            settled = self.settled(u, v, fired, params)._replace(extra=left)
            late = settled.fired is not None
            return as_spikes(xp, fired, v), settled if late else settled._replace(
                v=self._moved(settled.v, fired, raised)
            )
        return as_spikes(xp, fired, v), self.settled(u, v, fired, params)._replace(extra=left)

    def _moved(self, v: Value, fired: Value, raised: Value) -> Value:
        """v behind a reset that takes what raised the threshold, too."""
        if self.adapt_reset != "moving":
            return v
        xp, most = array_namespace(v), (1 << (self.state_bits - 1)) - 1
        return xp.clip(v - fired * (raised << self.adapt_shift), -most, most)
