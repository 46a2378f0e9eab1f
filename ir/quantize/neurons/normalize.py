"""
Rewrites float neurons as the chip's: membrane in units that need no input gain, integer threshold, decay and bias.

An Euler neuron v <- (1 - a) v + a g x is U <- (1 - a) U + x with U = v / (a g) and threshold theta / (a g); for SpikingJelly's
tau 2 that is U <- U/2 + x, fire at 2 theta. A reset to v_reset is one to zero of U = (v - v_reset) / (a g). A neuron without
memory may fire without input: its threshold is raised above zero, and its bias by as much.

A rectified neuron v <- max(k ((1 - a) v + a g x), f) is one that keeps (1 - a) k of v and has the gain a g k. One that remembers
v / k instead is plain in that, fires at theta / k, and does not fall below f / k.

A neuron behind two currents has the slow one as its J, the fast one as its U; their sum is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil

from ir.errors import CompileError
from ir.graph import Node
from ir.ops.float_neurons.alpha import AlphaLif
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.float_neurons.potential import Potential
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.quantize.neurons.normalized import NormalizedMembrane

CONSTANTS = (
    *("decay", "gain", "leak", "v0", "current_decay", "current_gain", "threshold", "v_reset"),
    *("adapt_decay", "adapt_jump", "adapt_start", "rest", "scale", "floor", "keep_slow", "keep_fast"),
)
"""What may differ between the neurons of a population."""


def normalized_membrane(
    node: Node, constants: Mapping[str, float] | None = None, size: Fraction | None = None
) -> NormalizedMembrane:
    """
    The gain-free form of a float neuron; CompileError where the chip's neuron cannot do what it does.

    Args:
        constants: of one neuron of the population, where they are not the attributes. size: real value of U = 1; by default
            the magnitude of the input gain.
    """
    op = as_neuron(node).op
    assert isinstance(op, (Lif, Leaky))
    numbers = exact_constants(op, constants or {})
    decay, current_decay = numbers["decay"], numbers["current_decay"]
    fits = 0 <= decay <= 1 and 0 <= current_decay <= 1
    scaled = f", for a scale of {float(numbers['scale'])}," if isinstance(op, RectifiedLif) else ""
    _check(
        node, fits, "decay", f"decays of {float(decay)} and {float(current_decay)} per step{scaled} must be from 0 to 1"
    )
    gain = numbers["input_gain"]
    size = abs(gain) or Fraction(1) if size is None else size
    offset = _offset(op, numbers)
    membrane = NormalizedMembrane(
        decay,
        (numbers["drift"] - decay * offset) / size,
        Fraction(0),
        True,
        start=(numbers["v0"] - offset) / size if decay < 1 else Fraction(0),
        current_decay=current_decay,
        size=size,
        zero=offset,
        factor=gain / size,
    )
    return (
        membrane
        if isinstance(op, Leaky)
        else _programmed(op, numbers, _with_threshold(node, op, numbers, offset, membrane))
    )


def _programmed(op: Lif, numbers: Mapping[str, Fraction], membrane: NormalizedMembrane) -> NormalizedMembrane:
    """The neuron with what it has beyond a plain one."""
    if isinstance(op, MovingThresholdLif):
        jump, start = (numbers[name] / membrane.size for name in ("adapt_jump", "adapt_start"))
        decay, moving = numbers["adapt_decay"], op.adapt_reset == "moving"
        return replace(membrane, adapt_decay=decay, adapt_jump=jump, adapt_start=start, takes_adaptation=moving)
    if isinstance(op, RefractoryLif):
        return replace(membrane, rest=ceil(numbers["rest"]))
    if isinstance(op, AlphaLif):
        return replace(membrane, theta=numbers["threshold"])
    if isinstance(op, RectifiedLif):
        return replace(membrane, floor=(numbers["floor"] - membrane.zero) / membrane.size)
    return membrane


def as_neuron(node: Node) -> Node:
    """The node with the neuron whose steps it takes, where it emits the membrane of one."""
    return replace(node, op=node.op.neuron) if isinstance(node.op, Potential) else node


def forgets(op: Lif, decay: Fraction | float) -> bool:
    """Whether nothing of the membrane reaches the next step, so that its reset does not matter."""
    return decay == 1 and op.reset_at == "spike"


def exact_constants(op: Lif | Leaky, constants: Mapping[str, float]) -> dict[str, Fraction]:
    """
    The constants of one neuron, exactly: its own, else the population's attributes.

    Beside them `drift`, what leaks into the membrane at every step, and `input_gain`, how much one unit of current moves it.
    """
    numbers = {name: Fraction(value) for name, value in {**op.attributes(), **constants}.items() if name in CONSTANTS}
    numbers["drift"], numbers["input_gain"] = numbers["decay"] * numbers["leak"], _input_gain(op, numbers)
    if isinstance(op, AlphaLif):
        numbers["current_decay"], numbers["decay"] = 1 - numbers["keep_slow"], 1 - numbers["keep_fast"]
    elif isinstance(op, RectifiedLif) and op.kept == "unscaled":
        numbers.update({name: numbers[name] / numbers["scale"] for name in ("threshold", "floor")})
    elif isinstance(op, RectifiedLif):
        numbers["decay"] = 1 - (1 - numbers["decay"]) * numbers["scale"]
        numbers.update({name: numbers[name] * numbers["scale"] for name in ("drift", "input_gain")})
    return numbers


def _input_gain(op: Lif | Leaky, numbers: Mapping[str, Fraction]) -> Fraction:
    """How much one unit of input current moves the membrane in its first step."""
    membrane = numbers["gain"] * (numbers["decay"] if op.form == "euler" else 1)
    return membrane * numbers["current_gain"] * (numbers["current_decay"] if op.current_form == "euler" else 1)


def _offset(op: Lif | Leaky, numbers: Mapping[str, Fraction]) -> Fraction:
    """The membrane value that is the chip's zero."""
    resets = isinstance(op, Lif) and op.reset == "value" and not forgets(op, numbers["decay"])
    return numbers["v_reset"] if resets else Fraction(0)


def _with_threshold(
    node: Node, op: Lif, numbers: Mapping[str, Fraction], offset: Fraction, membrane: NormalizedMembrane
) -> NormalizedMembrane:
    above, strict, size = numbers["threshold"] - offset, op.comparator == ">", membrane.size
    silent = above > 0 or (above == 0 and strict and op.reset != "subtract")
    if not silent and forgets(op, numbers["decay"]) and op.max_spikes == 1 and not op.micro:
        raised = abs(above) or size  # any threshold above zero: the bias makes up for it
        drift, zero = membrane.drift + (raised - above) / size, offset - (raised - above)
        membrane, above, silent = replace(membrane, drift=drift, zero=zero), raised, True
    below = f" at a reset to {float(offset)}" if offset else ""
    _check(node, silent, "threshold", f"a threshold of {float(numbers['threshold'])}{below} fires without input")
    return replace(membrane, threshold=above / size, theta=numbers["threshold"] / size, strict=strict)


def _check(node: Node, condition: bool, rule: str, what: str) -> None:
    if not condition:
        hint = "use a neuron with decays from 0 to 1 and a threshold above its reset, or --precision float"
        raise CompileError(f"quantize.{rule}", what, where=f"%{node.name}  {node.provenance}", hint=hint)
