"""
The integer neurons of Loihi: Lava's bit-accurate LIF (lava-nc 0.10.0, PyLifModelBitAcc, found by experiment), and its relatives.

All state is integer. The widths are attributes, filled in from the hardware profile when a network is quantised. The plain
neuron is every chip's; other resets, bursts and the neuron without threshold are for chips whose neurons run programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, expect
from ir.ops.neuron import clip_payload, signed_limits
from ir.ops.population import (
    COMPARATORS,
    MOMENTS,
    RESET_TIMES,
    State,
    Stepwise,
    as_spikes,
    check_options,
    check_params,
    dendrite_shape,
)
from ir.types import SPIKE, Type, graded

CHIP_RESETS = ("zero", "subtract", "none")
"""What a spike can do to v: there is no reset to a value, since v is counted from it, and none that is remembered."""


class IntegerNeuron(Stepwise):
    """The state u (as `State.current`) and v that the neurons share; the bias acts on v. Subclasses hold the attributes."""

    bias_is_current = False
    du: int
    dv: int
    shift: int
    decay_bits: int
    state_bits: int

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return State(zero + self.constant("v0", params), zero + self.constant("u0", params))

    def _check(self, args: tuple[Type, ...], params: Shapes, roles: tuple[str, ...]) -> tuple[int, ...]:
        """The population's shape, once decays and parameters fit."""
        unit = 1 << self.decay_bits
        decays = -1 <= self.du < unit and 0 <= self.dv <= unit
        expect(decays, f"{self.kind}.decay", f"du {self.du} or dv {self.dv} does not fit {self.decay_bits} bits")
        shape = dendrite_shape(self, args, {})
        check_params(self, params, roles, shape)
        return shape

    def _integrate(self, state: State, a: Value, params: Mapping[str, Value]) -> tuple[Value, Value]:
        """(u, v) after taking the input a."""
        xp, unit, half = array_namespace(a), 1 << self.decay_bits, 1 << (self.state_bits - 1)
        du, dv = self.constant("du", params), self.constant("dv", params)
        u, v = state.current, state.v
        u = xp.sign(u) * ((xp.abs(u) * (unit - du - 1)) >> self.decay_bits) + (a << self.shift)
        u = u - xp.where(u > half, xp.full_like(u, 2 * half), xp.zeros_like(u))
        u = u + xp.where(u <= -half, xp.full_like(u, 2 * half), xp.zeros_like(u))
        v = xp.sign(v) * ((xp.abs(v) * (unit - dv)) >> self.decay_bits) + u + params.get("bias", 0)
        return u, xp.clip(v, -(half - 1), half - 1)


class FiringNeuron(IntegerNeuron):
    """The threshold and the resets that neurons which fire share. Subclasses hold the attributes."""

    vth: int
    theta: int
    reset: str
    reset_at: str
    comparator: str

    def level(self, params: Mapping[str, Value]) -> Value:
        """What v must exceed, in its own units: one less than the threshold where reaching that is enough."""
        return (self.constant("vth", params) << self.shift) - int(self.comparator == ">=")

    def compared(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, Value]:
        """(u, v) as the threshold meets them: after the input, and a reset of the step before, before that of the own spike."""
        u, v = self._integrate(state, x, params)
        return u, v if state.fired is None else self._after_reset(v, state.fired, params)

    def settled(self, u: Value, v: Value, fired: Value, params: Mapping[str, Value]) -> State:
        """The state behind the reset of these spikes, or with it still to come."""
        return State(v, u, fired) if self.reset_at == "next" else State(self._after_reset(v, fired, params), u)

    def _after_reset(self, v: Value, fired: Value, params: Mapping[str, Value]) -> Value:
        if self.reset == "none":
            return v
        xp = array_namespace(v)
        if self.reset == "zero":
            return xp.where(fired > 0, xp.zeros_like(v), v)
        return v - fired * self.constant("theta", params)


@dataclass(frozen=True)
class IntegerLif(FiringNeuron):
    """
    The chip's leaky integrate-and-fire neuron in integers.

    One step, a the integer total of the weighted spikes, all shifts and products on integers:

    u <- sgn(u) ((|u| (2^d - du - 1)) >> d) + (a << shift), folded once into (-2^(w-1), 2^(w-1)]
    v <- clip(sgn(v) ((|v| (2^d - dv)) >> d) + u + bias) to +-(2^(w-1) - 1)
    s = [v > vth << shift];  v <- 0 where s.  d = decay_bits, w = state_bits.

    du = 2^d - 1 is a memoryless current. `bias` is in units of v and acts in the window's steps only. With `micro` > 0 the
    leading axis counts micro-steps of the same, memoryless, neurons. The state starts at u = u0, v = v0, in units of v.

    `theta` is the source's threshold in units of v, from which vth may differ by the comparison's ties: reset `subtract` takes
    it from v instead, and with max_spikes > 1 s counts how often it fits, s = ceil((v - (vth << shift)) / theta) within
    0..max_spikes, and takes s of them. `none` leaves v. With `reset_at` next the reset of a spike comes one step later, after
    that step's v is computed. With `comparator` >= a programmable neuron fires at the threshold too: v >= vth << shift.
    Parameters du, dv, vth, theta, u0, v0 hold the constants of single neurons.
    """

    kind = "integer_lif"
    du: int
    dv: int
    vth: int
    shift: int
    decay_bits: int
    state_bits: int
    micro: int = 0
    reset: str = "zero"
    theta: int = 0
    u0: int = 0
    v0: int = 0
    reset_at: str = "spike"
    max_spikes: int = 1
    comparator: str = ">"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = self._check(args, params, ("du", "dv", "vth", "theta", "u0", "v0"))
        check_options(self, {"reset": CHIP_RESETS, "reset_at": RESET_TIMES, "comparator": COMPARATORS})
        memoryless = self.du == (1 << self.decay_bits) - 1 and self.dv >= self.du
        expect(not self.micro or memoryless, "integer_lif.micro", "only a memoryless neuron can run in micro-steps")
        counts = self.max_spikes >= 1 and (self.max_spikes == 1 or self.theta > 0)
        expect(counts, "integer_lif.spikes", f"{self.max_spikes} spikes per step of theta {self.theta}")
        return Type(shape, SPIKE if self.max_spikes == 1 else graded(self.max_spikes.bit_length() + 1))

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        return self.fire(*self.compared(state, x, params), params)

    def fire(self, u: Value, v: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        """The spikes of (u, v), and the state behind their reset."""
        xp, level = array_namespace(v), self.level(params)
        if self.max_spikes == 1:
            fired = v > level
            return as_spikes(xp, fired, v), self.settled(u, v, fired, params)
        theta = self.constant("theta", params)
        count = xp.clip((v - level + theta - 1) // theta, 0, self.max_spikes)
        return count, self.settled(u, v, count, params)

    def neurons(self, result: Type) -> int:
        return result.size // (self.micro or 1)


@dataclass(frozen=True)
class IntegerPotential(Stepwise):
    """
    The membrane v of the `IntegerLif` with the same attributes and inputs: y = clip(v >> right) to signed `bits` bits.

    v is taken `before` the reset of a spike of this step (what the threshold is compared with), or `after` it; a reset that comes
    one step late is seen in the next step. The neuron itself is another node; this one takes the same steps again.
    """

    kind = "integer_potential"
    bias_is_current = False
    du: int
    dv: int
    vth: int
    shift: int
    decay_bits: int
    state_bits: int
    bits: int
    right: int = 0
    moment: str = "before"
    reset: str = "zero"
    theta: int = 0
    u0: int = 0
    v0: int = 0
    reset_at: str = "spike"
    max_spikes: int = 1
    comparator: str = ">"

    @property
    def neuron(self) -> IntegerLif:
        """The neuron whose membrane it is."""
        own = ("bits", "right", "moment")
        return IntegerLif(**{name: value for name, value in self.attributes().items() if name not in own})

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"moment": MOMENTS})
        check_payload(self, self.bits, self.right)
        return Type(self.neuron.infer(args, params).shape, graded(self.bits))

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        return self.neuron.begin(x, params)

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        u, v = self.neuron.compared(state, x, params)
        _, settled = self.neuron.fire(u, v, params)
        return clip_payload(v if self.moment == "before" else settled.v, signed_limits(self.bits), self.right), settled


@dataclass(frozen=True)
class IntegerLeaky(IntegerNeuron):
    """
    The u and v of `IntegerLif` without threshold: y = clip(v >> right) to signed `bits` bits at every step, zero is silent.

    v >> right rounds toward minus infinity. Parameters du, dv, u0, v0 hold the constants of single neurons.
    """

    kind = "integer_leaky"
    du: int
    dv: int
    shift: int
    decay_bits: int
    state_bits: int
    bits: int
    right: int = 0
    u0: int = 0
    v0: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = self._check(args, params, ("du", "dv", "u0", "v0"))
        check_payload(self, self.bits, self.right)
        return Type(shape, graded(self.bits))

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        u, v = self._integrate(state, x, params)
        return clip_payload(v, signed_limits(self.bits), self.right), State(v, u)


def check_payload(op: Op, bits: int, right: int) -> None:
    """Require that a membrane can be emitted as a payload of so many bits, shifted to the right by so many."""
    expect(bits >= 2 and right >= 0, f"{op.kind}.bits", f"payload of {bits} bits >> {right}")
