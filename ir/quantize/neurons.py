"""
Rewrites float neurons as the chip's: membrane in units that need no input gain, integer threshold, decay and bias.

An Euler neuron v <- (1 - a) v + a g x is U <- (1 - a) U + x with U = v / (a g) and threshold theta / (a g); for SpikingJelly's
tau 2 that is U <- U/2 + x, fire at 2 theta. A reset to v_reset is one to zero of U = (v - v_reset) / (a g). A neuron without
memory may fire without input: its threshold is raised above zero, and its bias by as much.

A rectified neuron v <- max(k ((1 - a) v + a g x), 0) is one that keeps (1 - a) k of v and has the gain a g k. One that remembers
v / k instead is plain in that, and fires at theta / k.

The neurons of a population may differ in their constants: every distinct one is worked out once, in exact fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.float_neurons.potential import Potential
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif

CONSTANTS = (
    *("decay", "gain", "leak", "v0", "current_decay", "current_gain", "threshold", "v_reset"),
    *("adapt_decay", "adapt_jump", "rest", "scale"),
)
"""What may differ between the neurons of a population."""


@dataclass(frozen=True)
class NormalizedMembrane:
    """
    A neuron in exact numbers, in the float network's current units.

    J <- (1 - current_decay) J + factor x, U <- (1 - decay) U + J + drift, from U = start; fires above `threshold`.
    """

    decay: Fraction
    drift: Fraction
    threshold: Fraction
    """0 for a neuron without."""
    strict: bool
    """Whether it fires above the threshold only, not at it."""
    theta: Fraction = Fraction(0)
    """What a subtracting reset takes, and how far apart the counts of several spikes lie."""
    start: Fraction = Fraction(0)
    current_decay: Fraction = Fraction(1)
    size: Fraction = Fraction(1)
    """Real value of U = 1."""
    zero: Fraction = Fraction(0)
    """Real value of U = 0."""
    factor: Fraction = Fraction(1)
    """The sign of the input gain for a neuron with threshold."""
    adapt_decay: Fraction = Fraction(0)
    """Of what spikes add to the threshold."""
    adapt_jump: Fraction = Fraction(0)
    """What a spike adds to the threshold."""
    rest: int = 0
    """Steps behind a spike in which U stands still."""
    floor: Fraction | None = None
    """The least U; None for none."""

    @property
    def is_whole(self) -> bool:
        """Whether integer currents keep the membrane on integers."""
        return self.decay in (0, 1) and self.current_decay in (0, 1)

    def growth(self, steps: int) -> float:
        """How many times its largest current the membrane can reach within `steps` steps; without end where steps is 0."""
        keep, current_keep = float(1 - self.decay), float(1 - self.current_decay)
        if not steps:
            return 1 / ((1 - keep) * (1 - current_keep)) if keep < 1 and current_keep < 1 else float("inf")
        current = membrane = most = 0.0
        for _ in range(steps):
            current = current_keep * current + 1
            membrane = keep * membrane + current
            most = max(most, membrane, current)
        return most

    def fractions_fit(self, steps: int, shift: int) -> bool:
        """Whether the binary fractions that decays leave within a window fit into the activation shift."""
        if self.is_whole:
            return self.decay == 1 or steps == 1
        return all(_decays_within(decay, steps, shift) for decay in (self.decay, self.current_decay))

    def adaptation_fits(self, steps: int, shift: int) -> bool:
        """Whether the same is true of what spikes add to the threshold."""
        return not self.adapt_jump or self.adapt_decay in (0, 1) or _decays_within(self.adapt_decay, steps, shift)


def _decays_within(decay: Fraction, steps: int, shift: int) -> bool:
    """Whether what is whole at the first of `steps` steps keeps less than `shift` binary digits behind the point."""
    digits = (1 - decay).denominator.bit_length() - 1
    return (1 - decay).denominator == 1 << digits and steps > 0 and (steps - 1) * digits < shift


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
    numbers = _fractions(op, constants or {})
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
        jump = numbers["adapt_jump"] / membrane.size
        return replace(membrane, adapt_decay=numbers["adapt_decay"], adapt_jump=jump)
    if isinstance(op, RefractoryLif):
        return replace(membrane, rest=ceil(numbers["rest"]))
    if isinstance(op, RectifiedLif):
        return replace(membrane, floor=-membrane.zero / membrane.size)
    return membrane


def as_neuron(node: Node) -> Node:
    """The node with the neuron whose steps it takes, where it emits the membrane of one."""
    return replace(node, op=node.op.neuron) if isinstance(node.op, Potential) else node


def forgets(op: Lif, decay: Fraction | float) -> bool:
    """Whether nothing of the membrane reaches the next step, so that its reset does not matter."""
    return decay == 1 and op.reset_at == "spike"


def _fractions(op: Lif | Leaky, constants: Mapping[str, float]) -> dict[str, Fraction]:
    """
    The constants of one neuron, exactly: its own, else the population's attributes.

    Beside them `drift`, what leaks into the membrane at every step, and `input_gain`, how much one unit of current moves it.
    """
    numbers = {name: Fraction(value) for name, value in {**op.attributes(), **constants}.items() if name in CONSTANTS}
    numbers["drift"], numbers["input_gain"] = numbers["decay"] * numbers["leak"], _input_gain(op, numbers)
    if isinstance(op, RectifiedLif) and op.kept == "unscaled":
        numbers["threshold"] /= numbers["scale"]
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


@dataclass(frozen=True)
class DistinctNeurons:
    """The neurons of a population by their constants."""

    members: tuple[NormalizedMembrane, ...]
    index: Array
    """Which of the members each neuron is; broadcasts to the population's shape."""

    def per_neuron(self, number: Callable[[NormalizedMembrane], Any]) -> Array:
        """A number of every neuron, of the shape of `index`."""
        return np.array([number(member) for member in self.members])[self.index]

    def in_units(self, unit: Fraction) -> tuple[float, float] | None:
        """(real value of so much of U, real value of U = 0), where all neurons share them."""
        values = {(float(member.size * unit), float(member.zero)) for member in self.members}
        return values.pop() if len(values) == 1 else None

    def largest(self, number: Callable[[NormalizedMembrane], Any]) -> Any:
        """The largest number of any neuron."""
        return max(number(member) for member in self.members)


def distinct_neurons(graph: Graph, node: Node) -> DistinctNeurons | None:
    """
    The distinct neurons of a float population; None where it has no membrane.

    Neurons without threshold share one size of U, because what they emit has one scale; their gains stay in the factor.
    """
    op = as_neuron(node).op
    if not isinstance(op, (Lif, Leaky)):
        return None
    rows, index = _distinct_rows({role: array for role, array in graph.arrays(node).items() if role != "bias"})
    size = None
    if isinstance(op, Leaky):
        size = max(abs(_fractions(op, row)["input_gain"]) for row in rows) or Fraction(1)
    return DistinctNeurons(tuple(normalized_membrane(node, row, size) for row in rows), index)


def _distinct_rows(params: Mapping[str, Array]) -> tuple[list[dict[str, float]], Array]:
    """The constants of each distinct neuron, and which of them each neuron has."""
    if not params:
        return [{}], np.zeros((), np.int64)
    arrays = np.broadcast_arrays(*(np.asarray(array, np.float64) for array in params.values()))
    table, index = np.unique(np.stack([array.ravel() for array in arrays], axis=1), axis=0, return_inverse=True)
    return [dict(zip(params, row.tolist(), strict=True)) for row in table], index.reshape(arrays[0].shape)
