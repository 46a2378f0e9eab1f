"""
Rewrites a float neuron as the chip's: membrane in units that need no input gain, integer threshold, decay and bias.

An Euler neuron v <- (1 - a) v + a g x is U <- (1 - a) U + x with U = v / (a g) and threshold theta / (a g); for SpikingJelly's
tau 2 that is U <- U/2 + x, fire at 2 theta. A reset to v_reset is one to zero of U = (v - v_reset) / (a g). The chip compares
strictly, so `>=` is a threshold one weight unit lower where the membrane holds whole units, and one unit of v (2^-shift of a
weight unit) in the bias where halving leaves fractions. The latter is exact as long as the fractions of a window fit into the
shift. A neuron without memory may fire without input: its threshold is raised above zero, and its bias by as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from ir.errors import CompileError
from ir.graph import Node
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.target import Arithmetic

CONSTANTS = ("decay", "gain", "leak", "v0", "current_decay", "current_gain", "threshold", "v_reset")
"""What may differ between the neurons of a population."""


@dataclass(frozen=True)
class Membrane:
    """
    J <- (1 - current_decay) J + factor x, U <- (1 - decay) U + J + drift, from U = start; fires above `threshold`.

    Every number is exact, in the float network's current units. theta: what a subtracting reset takes, and how far apart the
    counts of several spikes lie. size: real value of U = 1. factor: sign of the input gain for a neuron with threshold.
    """

    decay: Fraction
    drift: Fraction
    threshold: Fraction
    strict: bool
    theta: Fraction = Fraction(0)
    start: Fraction = Fraction(0)
    current_decay: Fraction = Fraction(1)
    size: Fraction = Fraction(1)
    factor: Fraction = Fraction(1)

    @property
    def is_whole(self) -> bool:
        """Whether integer currents keep the membrane on integers."""
        return self.decay in (0, 1) and self.current_decay in (0, 1)

    def window_factor(self, steps: int) -> float:
        """How many times its largest current the membrane can reach within `steps` steps; without end where steps is 0."""
        keep, kept = float(1 - self.decay), float(1 - self.current_decay)
        if not steps:
            return 1 / ((1 - keep) * (1 - kept)) if keep < 1 and kept < 1 else float("inf")
        current = membrane = most = 0.0
        for _ in range(steps):
            current = kept * current + 1
            membrane = keep * membrane + current
            most = max(most, membrane, current)
        return most


def membrane_of(node: Node, constants: Mapping[str, float] | None = None, size: Fraction | None = None) -> Membrane:
    """
    The gain-free form of a float neuron; CompileError where the chip's neuron cannot do what it does.

    Args:
        constants: of one neuron of the population, where they are not the attributes. size: real value of U = 1; by default
            the magnitude of the input gain.
    """
    op = node.op
    assert isinstance(op, (Lif, Leaky))
    own = {
        name: Fraction(value) for name, value in {**op.attributes(), **(constants or {})}.items() if name in CONSTANTS
    }
    decay, current_decay = own["decay"], own["current_decay"]
    fits = 0 <= decay <= 1 and 0 <= current_decay <= 1
    _check(node, fits, "decay", f"decays of {float(decay)} and {float(current_decay)} per step must be from 0 to 1")
    gain = input_gain(op, own)
    size = abs(gain) or Fraction(1) if size is None else size
    offset = _offset(op, own)
    form = Membrane(
        decay,
        decay * (own["leak"] - offset) / size,
        Fraction(0),
        True,
        start=(own["v0"] - offset) / size if decay < 1 else Fraction(0),
        current_decay=current_decay,
        size=size,
        factor=gain / size,
    )
    return form if isinstance(op, Leaky) else _with_threshold(node, op, own, offset, form)


def input_gain(op: Lif | Leaky, own: Mapping[str, Fraction]) -> Fraction:
    """How much one unit of input current moves the membrane in its first step."""
    membrane = own["gain"] * (own["decay"] if op.form == "euler" else 1)
    return membrane * own["current_gain"] * (own["current_decay"] if op.current_form == "euler" else 1)


def forgets(op: Lif, decay: Fraction | float) -> bool:
    """Whether nothing of the membrane reaches the next step, so that its reset does not matter."""
    return decay == 1 and op.reset_at == "spike"


def _offset(op: Lif | Leaky, own: Mapping[str, Fraction]) -> Fraction:
    """The membrane value that is the chip's zero."""
    resets = isinstance(op, Lif) and op.reset == "value" and not forgets(op, own["decay"])
    return own["v_reset"] if resets else Fraction(0)


def _with_threshold(node: Node, op: Lif, own: Mapping[str, Fraction], offset: Fraction, form: Membrane) -> Membrane:
    above, strict = own["threshold"] - offset, op.comparator == ">"
    silent = above > 0 or (above == 0 and strict and op.reset != "subtract")
    if not silent and forgets(op, own["decay"]) and op.max_spikes == 1 and not op.micro:
        raised = abs(above) or form.size  # any threshold above zero: the bias makes up for it
        form, above, silent = replace(form, drift=form.drift + (raised - above) / form.size), raised, True
    below = f" at a reset to {float(offset)}" if offset else ""
    _check(node, silent, "threshold", f"a threshold of {float(own['threshold'])}{below} fires without input")
    threshold, theta = above / form.size, own["threshold"] / form.size
    return replace(form, threshold=threshold, theta=theta, strict=strict)


def _check(node: Node, condition: bool, rule: str, what: str) -> None:
    if not condition:
        hint = "use a neuron with decays from 0 to 1 and a threshold above its reset, or --precision float"
        raise CompileError(f"quantize.{rule}", what, where=f"%{node.name}  {node.provenance}", hint=hint)


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
        whole_bias: whether bias, start and what resets take are whole numbers of weight units.
        steps: window length T, 0 for streaming.
    """
    if membrane.is_whole and whole_bias:
        return Comparison(floor(ratio) if membrane.strict else ceil(ratio) - 1, 0, True)
    vth = round(ratio)
    held = fractions_fit(membrane, steps, arithmetic.activation_shift)
    return Comparison(vth, 0 if membrane.strict else 1, held and vth == ratio)


def fractions_fit(membrane: Membrane, steps: int, shift: int) -> bool:
    """Whether the binary fractions that decay leaves within a window fit into the activation shift."""
    if membrane.current_decay not in (0, 1):
        return False
    if membrane.is_whole:
        return membrane.decay == 1 or steps == 1
    kept = 1 - membrane.decay
    halvings = kept.denominator.bit_length() - 1
    return kept.numerator == 1 and kept.denominator == 1 << halvings and steps > 0 and (steps - 1) * halvings < shift
