"""
The discrete neuron family in the source's own arithmetic: threshold neurons and the memoryless graded ones.

Every framework's neuron is an instance; comparators are data, because ties are common in spiking attention. Several operands
are currents that add up in the dendrite; the parameter `bias` is one more current, present at every step of the window.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from array_api_compat import array_namespace

from ir.ops.base import Op, Operand, Shapes, Value, expect
from ir.ops.membrane import ANALOG_BITS, Membrane
from ir.ops.population import (
    COMPARATORS,
    RESET_TIMES,
    State,
    as_spikes,
    check_options,
    dendrite_shape,
    total_current,
)
from ir.types import SPIKE, Type, graded

FIRING = (*COMPARATORS, "round")
"""How the source compares; a chip's neurons do not round."""
PAYLOAD_FORMS = ("signed", "rectified")
"""Whether a graded neuron emits negative payloads, or none."""
RESETS = ("value", "subtract", "subtract_once", "none")
"""What a spike does to the membrane in the frameworks; what the chip's neuron can do is `ir.ops.integer_neuron.CHIP_RESETS`."""


@dataclass(frozen=True)
class Lif(Membrane):
    """
    The leaky integrate-and-fire neuron: the membrane's step (`Membrane`), then

    s = [v >= threshold] or [v > threshold];  where s: v <- v_reset, or v <- v - threshold, or nothing.

    With `reset_at` next, the reset of a spike comes one step later, after that step's integration (the input of that step is
    lost where v is set to a value). `max_spikes` 0 (no limit) or above 1: s = floor(v / threshold), the next integer below
    where the comparator is strict, and a subtracting reset takes s thresholds. The comparator `round` counts to the nearest
    number, half to even: s = round(v / threshold), so that 0.5 is none, 1.5 and 2.5 are two. decay 1 is memoryless, decay 0
    (form sum) does not leak. With `micro` > 0 the leading axis counts micro-steps of the same, memoryless, neurons.
    """

    kind = "lif"
    threshold: float = 1.0
    comparator: str = ">="
    reset: str = "value"
    v_reset: float = 0.0
    reset_at: str = "spike"
    max_spikes: int = 1
    micro: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"comparator": FIRING, "reset": RESETS, "reset_at": RESET_TIMES})
        expect(not self.micro or self.decay == 1, "lif.micro", "only a memoryless neuron can run in micro-steps")
        single = self.max_spikes == 1
        once = self.reset == "subtract_once"
        expect(
            not once or (single and self.reset_at == "spike"), "lif.once", "subtract_once is for single spikes, at once"
        )
        counts = single and self.comparator != "round"
        expect(counts or self.threshold > 0, "lif.spikes", "several spikes per step need a threshold above 0")
        shape = self.check(args, params)
        return Type(
            shape, SPIKE if single else graded(self.max_spikes.bit_length() + 1 if self.max_spikes else ANALOG_BITS)
        )

    def is_basic(self, params: Collection[str]) -> bool:
        """Whether the neuron is one without synaptic current, start value, late resets, bursts and constants of its own."""
        usual = (self.v0, self.reset_at, self.max_spikes, self.current_gain) == (0.0, "spike", 1, 1.0)
        usual = usual and self.comparator != "round"
        return usual and self.reset != "subtract_once" and not self.has_current and set(params) <= {"bias"}

    def fire(self, v: Value, params: Mapping[str, Value]) -> Value:
        """How many spikes the membranes emit: booleans for one at most, else whole numbers in the membrane's type."""
        xp, threshold = array_namespace(v), self.constant("threshold", params)
        if self.comparator == "round":
            count = xp.clip(xp.round(v / threshold), 0, self.max_spikes or None)
            return count > 0 if self.max_spikes == 1 else count
        if self.max_spikes == 1:
            return v >= threshold if self.comparator == ">=" else v > threshold
        count = xp.floor(v / threshold) if self.comparator == ">=" else xp.ceil(v / threshold) - 1
        return xp.clip(count, 0, self.max_spikes or None)

    def level(self, state: State, params: Mapping[str, Value]) -> Value:
        """What the membrane is compared with at this step; derived neurons have thresholds that move."""
        return self.constant("threshold", params)

    def fires(self, state: State, params: Mapping[str, Value]) -> Value:
        """What the neurons emit in a state that has taken its input, as `fire` says it."""
        return self.fire(state.v, params)

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        state = super().integrate(state, x, params)
        if state.fired is None:
            return state
        v = self._after_reset(state.v, state.fired, params)
        return state._replace(v=v, fired=state.fired if self.reset == "subtract_once" else None)

    def settle(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        """The state after the reset that `spikes` (as `fire` makes them) cause, or with it still to come."""
        if self.reset_at == "next":
            return state._replace(fired=spikes)
        if self.reset == "subtract_once":
            return self._settle_once(state, spikes, params)
        return state._replace(v=self._after_reset(state.v, spikes, params))

    def _settle_once(self, state: State, spikes: Value, params: Mapping[str, Value]) -> State:
        """What stays above the threshold is remembered in `fired`, and has been taken off once in advance (`integrate`)."""
        xp, threshold = array_namespace(state.v), self.constant("threshold", params)
        v = state.v if state.fired is None else xp.where(state.fired, state.v + threshold, state.v)
        v = xp.where(spikes, v - threshold, v)
        return state._replace(v=v, fired=self.fire(v, params))

    def _after_reset(self, v: Value, spikes: Value, params: Mapping[str, Value]) -> Value:
        if self.reset == "none":
            return v
        xp = array_namespace(v)
        if self.reset == "value":
            target = self.constant("v_reset", params)
            target = xp.full_like(v[:1], target) if isinstance(target, float) else target
            return xp.where(spikes if spikes.dtype == xp.bool else spikes > 0, target, v)
        threshold = self.constant("threshold", params)
        if self.max_spikes == 1:
            return xp.where(spikes, v - threshold, v)
        return v - spikes * threshold

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        state = self.integrate(state, x, params)
        fired = self.fires(state, params)
        return as_spikes(array_namespace(state.v), fired, state.v), self.settle(state, fired, params)

    def neurons(self, result: Type) -> int:
        return result.size // (self.micro or 1)


@dataclass(frozen=True)
class Graded(Op):
    """
    A memoryless neuron that emits its total current as a payload: y = clip(x >> shift) to `bits` bits; zero is silent.

    With `form` rectified, what is below zero is silent, too. Real numbers of 24 bits are not clipped: `payload_limits`.
    """

    kind = "graded"
    family = "neuron"
    bits: int
    shift: int = 0
    form: str = "signed"

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest payload."""
        low, high = signed_limits(self.bits)
        return (low if self.form == "signed" else 0), high

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"form": PAYLOAD_FORMS})
        return Type(dendrite_shape(self, args, params), graded(self.bits))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        total = total_current(args, params, steps)
        return clip_payload(total, payload_limits(self, _is_real(total)), self.shift)

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

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest payload."""
        return signed_limits(self.bits)

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        expect(0 < self.enables < len(args), "gate.enables", "a gate needs payload currents and enabling currents")
        expect(len({arg.shape for arg in args}) == 1, "gate.shape", "payload and enabling currents differ in shape")
        return Type(dendrite_shape(self, self.payload_operands(args), params), graded(self.bits))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        total = total_current(self.payload_operands(args), params, steps)
        payload = clip_payload(total, payload_limits(self, _is_real(total)), self.shift)
        enable = total_current(self.enabling_operands(args), {}, steps)
        xp = array_namespace(payload)
        return xp.where(enable >= 1, payload, xp.zeros_like(payload))

    def payload_operands(self, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        return tuple(operands[: -self.enables])

    def enabling_operands(self, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        return tuple(operands[-self.enables :])

    def neurons(self, result: Type) -> int:
        return result.size


@dataclass(frozen=True)
class Burst(Op):
    """An integrate-and-fire neuron that turns a count n into n unit spikes: y[m] = [n > m] at micro-steps m = 0..micro-1."""

    kind = "burst"
    family = "neuron"
    micro: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        return Type((self.micro, *dendrite_shape(self, args, params)), SPIKE)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        n = total_current(args, params, steps)
        xp = array_namespace(n)
        return xp.stack([as_spikes(xp, n > m, n) for m in range(self.micro)], axis=2)

    def neurons(self, result: Type) -> int:
        return result.size // self.micro


def signed_limits(bits: int) -> tuple[int, int]:
    """The least and the largest signed payload of `bits` bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def payload_limits(op: Graded | Gate, real: bool) -> tuple[float, float]:
    """The least and the largest payload; of analog values as real numbers there is none, as quantisation decides their width."""
    low, high = op.limits
    return (-inf if low else low, inf) if real and op.bits == ANALOG_BITS else (low, high)


def _is_real(x: Value) -> bool:
    return array_namespace(x).isdtype(x.dtype, "real floating")


def clip_payload(x: Value, limits: tuple[float, float], shift: int) -> Value:
    """x >> shift (toward minus infinity) saturated to a neuron's `limits`."""
    return array_namespace(x).clip(x >> shift if shift else x, *limits)
