"""
The discrete neuron family in the source's own arithmetic: threshold neurons and the memoryless graded ones.

Every framework's neuron is an instance; comparators are data, because ties are common in spiking attention. Several operands
are currents that add up in the dendrite; the parameter `bias` is one more current, present at every step of the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import SPIKE, Type, graded

FORMS = ("euler", "sum")
COMPARATORS = (">=", ">")
RESETS = ("value", "subtract", "none")


def dendrite(op: Op, args: tuple[Type, ...], params: Shapes) -> tuple[int, ...]:
    """The shape of a population that takes the operands as currents of equal shape and a broadcastable bias."""
    arity(op, args, 1, 1 << 16)
    shape = args[0].shape
    expect(
        len({arg.shape for arg in args}) == 1,
        f"{op.kind}.shape",
        f"currents differ in shape: {[a.shape for a in args]}",
    )
    bias = params.get("bias", ())
    fits = len(bias) <= len(shape) and all(n in (1, m) for n, m in zip(bias[::-1], shape[::-1], strict=False))
    expect(fits, f"{op.kind}.bias", f"a bias of shape {bias} does not fit a population of shape {shape}")
    return shape


def total_current(args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
    """The sum of the currents and the bias, at every step: (T, B, *shape)."""
    xp, x = array_namespace(args[0]), args[0]
    for arg in args[1:]:
        x = x + arg
    x = x + params["bias"] if "bias" in params else x
    return x if x.shape[0] == steps else xp.broadcast_to(x, (steps, *x.shape[1:]))


def as_spikes(xp: Any, fired: Value, like: Value) -> Value:
    """Booleans as 0 and 1 in the type of the membrane."""
    return fired.to(like.dtype) if is_torch_array(fired) else fired.astype(like.dtype)


@dataclass(frozen=True)
class Lif(Op):
    """
    Leaky integrate and fire, one step, x the total current:

    euler:  v <- v + decay ((leak - v) + gain x)        sum:  v <- (1 - decay) v + gain x
    s = [v >= threshold] or [v > threshold];  then where s: v <- v_reset, or v <- v - threshold, or nothing.

    The state starts at 0. decay 1 is memoryless, decay 0 (form sum) does not leak. With `micro` > 0 the leading axis counts
    micro-steps of the same, memoryless, neurons.
    """

    kind = "lif"
    family = "neuron"
    decay: float
    gain: float = 1.0
    form: str = "euler"
    leak: float = 0.0
    threshold: float = 1.0
    comparator: str = ">="
    reset: str = "value"
    v_reset: float = 0.0
    micro: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        for value, known in ((self.form, FORMS), (self.comparator, COMPARATORS), (self.reset, RESETS)):
            expect(value in known, "lif.option", f"unknown option {value!r}", f"known: {', '.join(known)}")
        expect(0 <= self.decay <= 1, "lif.decay", f"decay {self.decay} is outside 0..1", "use a time step below tau")
        expect(not self.micro or self.decay == 1, "lif.micro", "only a memoryless neuron can run in micro-steps")
        return Type(dendrite(self, args, params), SPIKE)

    def integrate(self, v: Value, x: Value) -> Value:
        """The membrane after integrating the current x."""
        if self.form == "euler":
            leak = self.leak - v if self.leak else -v
            return v + self.decay * (leak + (x if self.gain == 1 else self.gain * x))
        return (1 - self.decay) * v + (x if self.gain == 1 else self.gain * x)

    def fire(self, v: Value) -> Value:
        """Booleans: which membranes fire."""
        return v >= self.threshold if self.comparator == ">=" else v > self.threshold

    def step(self, v: Value, x: Value) -> tuple[Value, Value]:
        """One step: (spikes, membrane after reset)."""
        xp = array_namespace(v)
        v = self.integrate(v, x)
        fired = self.fire(v)
        if self.reset == "value":
            v = xp.where(fired, xp.full_like(v, self.v_reset), v)
        elif self.reset == "subtract":
            v = xp.where(fired, v - self.threshold, v)
        return as_spikes(xp, fired, v), v

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        x = total_current(args, params, steps)
        xp = array_namespace(x)
        v, out = xp.zeros_like(x[0]), list[Value]()
        for t in range(steps):
            spikes, v = self.step(v, x[t])
            out.append(spikes)
        return xp.stack(out)

    def neurons(self, result: Type) -> int:
        return result.size // (self.micro or 1)


@dataclass(frozen=True)
class Graded(Op):
    """A memoryless neuron that emits its total current as a payload: y = clip(x >> shift) to `bits` bits; zero is silent."""

    kind = "graded"
    family = "neuron"
    bits: int
    shift: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        return Type(dendrite(self, args, params), graded(self.bits))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return clip_payload(total_current(args, params, steps), self.bits, self.shift)

    def neurons(self, result: Type) -> int:
        return result.size


@dataclass(frozen=True)
class Gate(Op):
    """
    A graded neuron opened by spikes: y = clip(x >> shift) where the enabling current is at least 1, else silent.

    The last `enables` operands are enabling currents, the others (and the bias) the payload's.
    """

    kind = "gate"
    family = "neuron"
    bits: int
    shift: int = 0
    enables: int = 1

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        expect(0 < self.enables < len(args), "gate.enables", "a gate needs payload currents and enabling currents")
        expect(len({arg.shape for arg in args}) == 1, "gate.shape", "payload and enabling currents differ in shape")
        return Type(dendrite(self, args[: -self.enables], params), graded(self.bits))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        payload = clip_payload(total_current(args[: -self.enables], params, steps), self.bits, self.shift)
        enable = total_current(args[-self.enables :], {}, steps)
        xp = array_namespace(payload)
        return xp.where(enable >= 1, payload, xp.zeros_like(payload))

    def neurons(self, result: Type) -> int:
        return result.size


@dataclass(frozen=True)
class Burst(Op):
    """An integrate-and-fire neuron that turns a count n into n unit spikes: y[m] = [n > m] at micro-steps m = 0..micro-1."""

    kind = "burst"
    family = "neuron"
    micro: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        return Type((self.micro, *dendrite(self, args, params)), SPIKE)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        n = total_current(args, params, steps)
        xp = array_namespace(n)
        return xp.stack([as_spikes(xp, n > m, n) for m in range(self.micro)], axis=2)

    def neurons(self, result: Type) -> int:
        return result.size // self.micro


def clip_payload(x: Value, bits: int, shift: int) -> Value:
    """x >> shift (toward minus infinity) saturated to the range of a signed payload of `bits` bits."""
    xp, top = array_namespace(x), 1 << (bits - 1)
    return xp.clip(x >> shift if shift else x, -top, top - 1)
