"""
The integer neurons of Loihi: Lava's bit-accurate LIF (lava-nc 0.10.0, PyLifModelBitAcc, found by experiment), and its relatives.

All state is integer. The widths are attributes, filled in from the hardware profile when a network is quantised. The plain
neuron is every chip's; other resets, bursts and the neuron without threshold are for chips whose neurons run programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, expect
from ir.ops.membrane import State, as_spikes, broadcasts, dendrite, total_current
from ir.types import SPIKE, Type, graded

RESETS = ("zero", "subtract", "none")
RESET_TIMES = ("spike", "next")


@dataclass(frozen=True)
class LoihiLif(Op):
    """
    One step, a the integer total of the weighted spikes, all shifts and products on integers:

    u <- sgn(u) ((|u| (2^d - du - 1)) >> d) + (a << shift), folded once into (-2^(w-1), 2^(w-1)]
    v <- clip(sgn(v) ((|v| (2^d - dv)) >> d) + u + bias) to +-(2^(w-1) - 1)
    s = [v > vth << shift];  v <- 0 where s.  d = decay_bits, w = state_bits.

    du = 2^d - 1 is a memoryless current. `bias` is in units of v and acts in the window's steps only. With `micro` > 0 the
    leading axis counts micro-steps of the same, memoryless, neurons. The state starts at u = u0, v = v0, in units of v.

    `theta` is the source's threshold in units of v, from which vth may differ by the comparison's ties: reset `subtract` takes
    it from v instead, and with max_spikes > 1 s counts how often it fits, s = ceil((v - (vth << shift)) / theta) within
    0..max_spikes, and takes s of them. `none` leaves v. With `reset_at` next the reset of a spike comes one step later, after
    that step's v is computed. Parameters du, dv, vth, theta, u0, v0 hold the constants of single neurons.
    """

    kind = "loihi_lif"
    family = "neuron"
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

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = _check(self, args, params, ("du", "dv", "vth", "theta", "u0", "v0"))
        for value, known in ((self.reset, RESETS), (self.reset_at, RESET_TIMES)):
            expect(value in known, "loihi_lif.option", f"unknown option {value!r}", f"known: {', '.join(known)}")
        memoryless = self.du == (1 << self.decay_bits) - 1 and self.dv >= self.du
        expect(not self.micro or memoryless, "loihi_lif.micro", "only a memoryless neuron can run in micro-steps")
        counts = self.max_spikes >= 1 and (self.max_spikes == 1 or self.theta > 0)
        expect(counts, "loihi_lif.spikes", f"{self.max_spikes} spikes per step of theta {self.theta}")
        return Type(shape, SPIKE if self.max_spikes == 1 else graded(self.max_spikes.bit_length() + 1))

    @property
    def is_basic(self) -> bool:
        """Whether the neuron is Lava's own LIF; constants of single neurons and start values apart."""
        return (self.reset, self.reset_at, self.max_spikes) == ("zero", "spike", 1)

    def begin(self, a: Value, params: Mapping[str, Value]) -> State:
        """The state before the first step; a: (B, *shape), for size and type."""
        return _begin(self, a, params)

    def step(self, state: State, a: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        """One step: spikes, and the state after it."""
        xp = array_namespace(a)
        u, v = _integrate(self, state, a, params)
        if state.fired is not None:
            v = self._after_reset(v, state.fired, params)
        level = _constant(self, "vth", params) << self.shift
        if self.max_spikes == 1:
            fired = v > level
            spikes = as_spikes(xp, fired, v)
        else:
            theta = _constant(self, "theta", params)
            fired = spikes = xp.clip((v - level + theta - 1) // theta, 0, self.max_spikes)
        if self.reset_at == "next":
            return spikes, State(v, u, fired)
        return spikes, State(self._after_reset(v, fired, params), u)

    def _after_reset(self, v: Value, fired: Value, params: Mapping[str, Value]) -> Value:
        if self.reset == "none":
            return v
        xp = array_namespace(v)
        if self.reset == "zero":
            return xp.where(fired if self.max_spikes == 1 else fired > 0, xp.zeros_like(v), v)
        theta = _constant(self, "theta", params)
        return xp.where(fired, v - theta, v) if self.max_spikes == 1 else v - fired * theta

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return self.resume(args, params, steps, None)[0]

    def resume(
        self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any
    ) -> tuple[Value, State]:
        return _resume(self, args, params, steps, state)

    def neurons(self, result: Type) -> int:
        return result.size // (self.micro or 1)


@dataclass(frozen=True)
class LoihiLeaky(Op):
    """
    The u and v of `LoihiLif` without threshold: y = clip(v >> right) to signed `bits` bits at every step, zero is silent.

    v >> right rounds toward minus infinity. Parameters du, dv, u0, v0 hold the constants of single neurons.
    """

    kind = "loihi_leaky"
    family = "neuron"
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
        shape = _check(self, args, params, ("du", "dv", "u0", "v0"))
        expect(self.bits >= 2 and self.right >= 0, "loihi_leaky.bits", f"payload of {self.bits} bits >> {self.right}")
        return Type(shape, graded(self.bits))

    def begin(self, a: Value, params: Mapping[str, Value]) -> State:
        """The state before the first step; a: (B, *shape), for size and type."""
        return _begin(self, a, params)

    def step(self, state: State, a: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        """One step: payloads, and the state after it."""
        u, v = _integrate(self, state, a, params)
        top = 1 << (self.bits - 1)
        return array_namespace(v).clip(v >> self.right, -top, top - 1), State(v, u)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return self.resume(args, params, steps, None)[0]

    def resume(
        self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any
    ) -> tuple[Value, State]:
        return _resume(self, args, params, steps, state)

    def neurons(self, result: Type) -> int:
        return result.size


LoihiNeuron = LoihiLif | LoihiLeaky


def _check(op: LoihiNeuron, args: tuple[Type, ...], params: Shapes, roles: tuple[str, ...]) -> tuple[int, ...]:
    """The population's shape, once decays and parameters fit."""
    unit = 1 << op.decay_bits
    decays = -1 <= op.du < unit and 0 <= op.dv <= unit
    expect(decays, f"{op.kind}.decay", f"du {op.du} or dv {op.dv} does not fit {op.decay_bits} bits")
    shape = dendrite(op, args, {})
    for role, of in params.items():
        expect(role in (*roles, "bias"), f"{op.kind}.param", f"a {op.kind} has no parameter {role}")
        expect(broadcasts(of, shape), f"{op.kind}.{role}", f"{role} of shape {of} does not fit {shape}")
    return shape


def _constant(op: LoihiNeuron, name: str, params: Mapping[str, Value]) -> Value:
    """An attribute, or the parameter that holds it neuron by neuron."""
    return params.get(name, getattr(op, name))


def _begin(op: LoihiNeuron, a: Value, params: Mapping[str, Value]) -> State:
    zero = array_namespace(a).zeros_like(a)
    return State(zero + _constant(op, "v0", params), zero + _constant(op, "u0", params))


def _integrate(op: LoihiNeuron, state: State, a: Value, params: Mapping[str, Value]) -> tuple[Value, Value]:
    """(u, v) after taking the input a."""
    xp, unit, half = array_namespace(a), 1 << op.decay_bits, 1 << (op.state_bits - 1)
    du, dv = _constant(op, "du", params), _constant(op, "dv", params)
    u, v = state.current, state.v
    u = xp.sign(u) * ((xp.abs(u) * (unit - du - 1)) >> op.decay_bits) + (a << op.shift)
    u = u - xp.where(u > half, xp.full_like(u, 2 * half), xp.zeros_like(u))
    u = u + xp.where(u <= -half, xp.full_like(u, 2 * half), xp.zeros_like(u))
    v = xp.sign(v) * ((xp.abs(v) * (unit - dv)) >> op.decay_bits) + u + params.get("bias", 0)
    return u, xp.clip(v, -(half - 1), half - 1)


def _resume(
    op: LoihiNeuron, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any
) -> tuple[Value, State]:
    a = total_current(args, {}, steps)
    state = op.begin(a[0], params) if state is None else state
    out: list[Value] = []
    for t in range(steps):
        emitted, state = op.step(state, a[t], params)
        out.append(emitted)
    return array_namespace(a).stack(out), state
