"""
The integer neuron of Loihi as Lava's bit-accurate LIF computes it (lava-nc 0.10.0, PyLifModelBitAcc, found by experiment).

All state is integer. The widths are attributes, filled in from the hardware profile when a network is quantised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, expect
from ir.ops.membrane import as_spikes, dendrite, total_current
from ir.types import SPIKE, Type


@dataclass(frozen=True)
class LoihiLif(Op):
    """
    One step, a the integer total of the weighted spikes, all shifts and products on integers:

    u <- sgn(u) ((|u| (2^d - du - 1)) >> d) + (a << shift), folded once into (-2^(w-1), 2^(w-1)]
    v <- clip(sgn(v) ((|v| (2^d - dv)) >> d) + u + bias) to +-(2^(w-1) - 1)
    s = [v > vth << shift];  v <- 0 where s.  d = decay_bits, w = state_bits.

    du = 2^d - 1 is a memoryless current. `bias` is in units of v and acts in the window's steps only. With `micro` > 0 the
    leading axis counts micro-steps of the same, memoryless, neurons.
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

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        unit = 1 << self.decay_bits
        decays = -1 <= self.du < unit and 0 <= self.dv <= unit
        expect(decays, "loihi_lif.decay", f"du {self.du} or dv {self.dv} does not fit {self.decay_bits} bits")
        memoryless = self.du == unit - 1 and self.dv >= unit - 1
        expect(not self.micro or memoryless, "loihi_lif.micro", "only a memoryless neuron can run in micro-steps")
        return Type(dendrite(self, args, {}), SPIKE)

    def step(self, u: Value, v: Value, a: Value, bias: Value) -> tuple[Value, Value, Value]:
        """One step: (spikes, u, v)."""
        xp, unit, half = array_namespace(a), 1 << self.decay_bits, 1 << (self.state_bits - 1)
        u = xp.sign(u) * ((xp.abs(u) * (unit - self.du - 1)) >> self.decay_bits) + (a << self.shift)
        u = u - xp.where(u > half, xp.full_like(u, 2 * half), xp.zeros_like(u))
        u = u + xp.where(u <= -half, xp.full_like(u, 2 * half), xp.zeros_like(u))
        v = xp.sign(v) * ((xp.abs(v) * (unit - self.dv)) >> self.decay_bits) + u + bias
        v = xp.clip(v, -(half - 1), half - 1)
        fired = v > (self.vth << self.shift)
        return as_spikes(xp, fired, v), u, xp.where(fired, xp.zeros_like(v), v)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        a = total_current(args, {}, steps)
        xp = array_namespace(a)
        bias = params.get("bias", 0)
        u, v, out = xp.zeros_like(a[0]), xp.zeros_like(a[0]), list[Value]()
        for t in range(steps):
            spikes, u, v = self.step(u, v, a[t], bias)
            out.append(spikes)
        return xp.stack(out)

    def neurons(self, result: Type) -> int:
        return result.size // (self.micro or 1)
