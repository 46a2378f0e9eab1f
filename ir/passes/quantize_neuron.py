"""
Rewrites a float neuron as the chip's: membrane in units that need no input gain, integer threshold, decay and bias.

An Euler neuron v <- (1 - a) v + a g x is U <- (1 - a) U + x with U = v / (a g) and threshold theta / (a g); for SpikingJelly's
tau 2 that is U <- U/2 + x, fire at 2 theta. The chip compares strictly, so `>=` is a threshold one weight unit lower where the
membrane holds whole units, and one unit of v (2^-shift of a weight unit) in the bias where halving leaves fractions. The
latter is exact as long as the fractions of a window fit into the shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from hw_profiles.schema import Arithmetic
from ir.errors import CompileError
from ir.graph import Node
from ir.ops.loihi import LoihiLif
from ir.ops.neuron import Lif


@dataclass(frozen=True)
class Membrane:
    """U <- (1 - decay) U + x + drift, fire at `threshold`; every number exact, in the float network's current units."""

    decay: Fraction
    drift: Fraction
    threshold: Fraction
    strict: bool

    @property
    def is_whole(self) -> bool:
        """Whether integer currents keep the membrane on integers."""
        return self.decay in (0, 1)

    def window_factor(self, steps: int) -> float:
        """How many times its largest current the membrane can reach within `steps` steps."""
        keep = float(1 - self.decay)
        return sum(keep**step for step in range(steps or 1))


def membrane_of(node: Node) -> Membrane:
    """The gain-free form of a float neuron; CompileError where the chip's neuron cannot do what it does."""
    op = node.op
    assert isinstance(op, Lif)
    _check(node, op.reset == "value" and op.v_reset == 0, "reset", f"the chip resets to 0, not by {_reset_text(op)}")
    gain = Fraction(op.gain) * (Fraction(op.decay) if op.form == "euler" else 1)
    _check(node, gain > 0, "gain", f"an input gain of {float(gain)} cannot be moved into the threshold")
    _check(node, op.threshold > 0, "threshold", f"a threshold of {op.threshold} fires without input")
    drift = Fraction(op.leak) / Fraction(op.gain) if op.form == "euler" else Fraction(0)
    return Membrane(Fraction(op.decay), drift, Fraction(op.threshold) / gain, op.comparator == ">")


def _check(node: Node, condition: bool, rule: str, what: str) -> None:
    if not condition:
        hint = "use a neuron with hard reset to 0, positive gain and threshold, or --precision float"
        raise CompileError(f"quantize.{rule}", what, f"%{node.name}  {node.where}", hint)


def _reset_text(op: Lif) -> str:
    return f"setting v to {op.v_reset}" if op.reset == "value" else f"reset={op.reset!r}"


@dataclass(frozen=True)
class Comparison:
    """The integer threshold (weight units), the tie-breaking bias (units of v), and whether ties fall as in the source."""

    vth: int
    bias: int
    exact: bool


def compare(membrane: Membrane, ratio: Fraction, whole_bias: bool, steps: int, arithmetic: Arithmetic) -> Comparison:
    """
    The chip's comparison for a threshold of `ratio` weight units.

    Args:
        whole_bias: whether the bias is a whole number of weight units.
        steps: window length T, 0 for streaming.
    """
    if membrane.is_whole and whole_bias:
        return Comparison(floor(ratio) if membrane.strict else ceil(ratio) - 1, 0, True)
    vth = round(ratio)
    held = _fractions_fit(membrane, steps, arithmetic.activation_shift)
    return Comparison(vth, 0 if membrane.strict else 1, held and vth == ratio)


def _fractions_fit(membrane: Membrane, steps: int, shift: int) -> bool:
    """Whether the binary fractions that decay leaves within a window fit into the activation shift."""
    if membrane.is_whole:
        return membrane.decay == 1 or steps == 1
    kept = 1 - membrane.decay
    halvings = kept.denominator.bit_length() - 1
    return kept.numerator == 1 and kept.denominator == 1 << halvings and steps > 0 and (steps - 1) * halvings < shift


def integer_neuron(op: Lif, membrane: Membrane, vth: int, reach: int, arithmetic: Arithmetic) -> LoihiLif:
    """
    The chip's neuron.

    Args:
        reach: largest magnitude of current plus bias, in units of v; decides whether the widest legal decay is memoryless.
    """
    unit = 1 << arithmetic.decay_bits
    forgets = max(reach, vth << arithmetic.activation_shift) < unit
    dv = round(membrane.decay * unit)
    dv = unit - 1 if membrane.decay == 1 and forgets else dv
    widths = (arithmetic.activation_shift, arithmetic.decay_bits, arithmetic.state_bits)
    return LoihiLif(unit - 1, dv, vth, *widths, micro=op.micro)
