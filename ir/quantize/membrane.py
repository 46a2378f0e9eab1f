"""
The integers of a population with a membrane: decays, thresholds, bias, start, and a parameter where neurons differ.

The chip adds the bias to v, a float network to the input of the synaptic current J. With J = J' + B / d, B the constant input
and d the current's decay, J' gets no constant, starts at -B / d, and v gets a bias of B / d: the same at every step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops.base import Op
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.quantize.kinds import Kinds
from ir.quantize.neuron import compare, forgets, fractions_fit
from ir.quantize.weights import QuantizedArray, round_bias
from ir.target import Arithmetic

RESETS = {"value": "zero", "subtract": "subtract", "none": "none"}
"""Reset of the source -> the chip's."""


@dataclass(frozen=True)
class Integers:
    """A population as integers: operation, own constants by role, bias (units of v), and what rounding did."""

    op: Op
    bias: QuantizedArray
    threshold: int
    decay_error: float
    exact: bool
    params: dict[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True)
class Plan:
    """
    What a population's integers follow from.

    bias: of the float network. unit: real current of one weight unit. steps: window length, 0 for streaming. current: the
    largest magnitude of the summed current, in weight units.
    """

    node: Node
    kinds: Kinds
    bias: Array
    unit: Fraction
    steps: int
    current: int
    arithmetic: Arithmetic

    @property
    def widths(self) -> dict[str, int]:
        """The attributes that every chip neuron takes from the profile."""
        to = self.arithmetic
        return {"shift": to.activation_shift, "decay_bits": to.decay_bits, "state_bits": to.state_bits}

    def amount(self, value: Fraction) -> int:
        """An amount of the membrane in units of v."""
        return round(value / self.unit * (1 << self.arithmetic.activation_shift))


def constant_input(plan: Plan) -> tuple[Array, Array, Array]:
    """(bias of v, start of J, start of v) in weight units, as real numbers, from drift, bias and start."""
    kinds, unit = plan.kinds, plan.unit
    drift, start = kinds.each(lambda of: float(of.drift / unit)), kinds.each(lambda of: float(of.start / unit))
    constant = kinds.each(lambda of: float(of.factor)) * plan.bias / float(unit)
    op = plan.node.op
    assert isinstance(op, (Lif, Leaky))
    late = op.order == "membrane_first"
    decay = kinds.each(lambda of: _rounded_decay(of.current_decay, plan.arithmetic))
    if not np.any(constant) or (np.all(decay == 1) and not late):
        return drift + constant, np.zeros(()), start
    kept = kinds.each(lambda of: 1 - float(of.decay))
    if np.any(decay == 0) or (late and np.any((decay == 1) & (kept == 0))):
        raise _refused(plan.node, "bias", "a bias into a synaptic current that never decays, or late into no memory")
    steady = constant / decay
    if not late:
        return drift + steady, -steady * (decay < 1), start
    earlier = np.where(decay == 1, 0.0, -steady / np.where(decay == 1, 1.0, 1 - decay))
    missed = np.where(decay == 1, steady / np.where(kept == 0, 1.0, kept), 0.0)
    return drift + steady, earlier, start - missed


def integer_lif(plan: Plan) -> Integers:
    """The chip's threshold neurons of a population."""
    op, kinds, unit, to = plan.node.op, plan.kinds, plan.unit, plan.arithmetic
    assert isinstance(op, Lif)
    if op.reset not in RESETS:
        raise _refused(plan.node, "reset", f"no chip resets by {op.reset}")
    shift = to.activation_shift
    drive, u0, v0 = constant_input(plan)
    takes = op.reset == "subtract" or op.max_spikes != 1
    spent = takes and any((of.theta / unit).denominator != 1 for of in kinds.members)
    whole = not spent and all(bool(np.all(part == np.rint(part))) for part in (drive, u0, v0))
    found = {of: compare(of, of.threshold / unit, whole, plan.steps, to) for of in kinds.members}
    bias = round_bias(drive * (1 << shift) + kinds.each(lambda of: found[of].bias), to)
    reach = (plan.current << shift) + int(np.abs(bias.integers).max(initial=0))
    constants = {
        **_decays(plan, max(reach, kinds.most(lambda of: found[of].vth) << shift)),
        **_starts(plan, u0, v0),
        "vth": kinds.each(lambda of: found[of].vth),
    }
    if takes:
        constants["theta"] = kinds.each(lambda of: max(1, plan.amount(of.theta)))
    plain = all(forgets(op, of.decay) for of in kinds.members)
    attributes, params = _spread(plan.node, constants)
    return Integers(
        IntegerLif(
            **attributes,
            **plan.widths,
            micro=op.micro,
            reset="zero" if plain else RESETS[op.reset],
            reset_at=op.reset_at,
            max_spikes=most_spikes(op, constants["theta"], to) if takes else 1,
        ),
        bias,
        int(constants["vth"].max()),
        _decay_error(kinds, to),
        all(of.exact for of in found.values()),
        params,
    )


def integer_leaky(plan: Plan, bits: int, right: int) -> Integers:
    """The chip's neurons without threshold; they emit v >> right as payloads of `bits` bits."""
    kinds, to = plan.kinds, plan.arithmetic
    drive, u0, v0 = constant_input(plan)
    bias = round_bias(drive * (1 << to.activation_shift), to)
    reach = (plan.current << to.activation_shift) + int(np.abs(bias.integers).max(initial=0))
    attributes, params = _spread(plan.node, {**_decays(plan, reach), **_starts(plan, u0, v0)})
    op = IntegerLeaky(**attributes, **plan.widths, bits=bits, right=right)
    held = all(of.is_whole or fractions_fit(of, plan.steps, to.activation_shift) for of in kinds.members)
    return Integers(op, bias, 0, _decay_error(kinds, to), held and not right, params)


def most_spikes(op: Lif, theta: Array, arithmetic: Arithmetic) -> int:
    """The most spikes of one step that the source, the membrane's width and a payload allow."""
    if op.max_spikes == 1:
        return 1
    payload = (1 << (arithmetic.payload_bits - 1)) - 1
    membrane = -(-(1 << (arithmetic.state_bits - 1)) // int(theta.min()))
    return max(1, min(op.max_spikes or payload, payload, membrane))


def _rounded_decay(decay: Fraction, arithmetic: Arithmetic) -> float:
    unit = 1 << arithmetic.decay_bits
    return round(decay * unit) / unit


def _decays(plan: Plan, reach: int) -> dict[str, Array]:
    """du and dv; the widest legal dv is memoryless only where nothing of magnitude `reach` survives it."""
    unit = 1 << plan.arithmetic.decay_bits
    full = unit - 1 if reach < unit else unit
    return {
        "du": plan.kinds.each(lambda of: round(of.current_decay * unit) - 1),
        "dv": plan.kinds.each(lambda of: full if of.decay == 1 else round(of.decay * unit)),
    }


def _starts(plan: Plan, u0: Array, v0: Array) -> dict[str, Array]:
    """The starts of u and v in units of v, where they are not zero."""
    shift, half = plan.arithmetic.activation_shift, 1 << (plan.arithmetic.state_bits - 1)
    found = {"u0": np.rint(u0 * (1 << shift)), "v0": np.rint(v0 * (1 << shift))}
    for name, value in found.items():
        if np.any(np.abs(value) >= half):
            what = f"a start of {name[0]} of {np.abs(value).max():.0f} units does not fit {plan.arithmetic.state_bits} bits"
            raise _refused(plan.node, "start", what)
    return {name: value.astype(np.int64) for name, value in found.items() if np.any(value)}


def _spread(node: Node, constants: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Attributes for what all neurons share, and parameters beside them for what differs."""
    attributes = {name: int(np.max(array)) for name, array in constants.items()}
    differing = {name: array for name, array in constants.items() if np.any(array != array.ravel()[0])}
    return attributes, {name: array.astype(np.int32) for name, array in differing.items()}


def _decay_error(kinds: Kinds, arithmetic: Arithmetic) -> float:
    """The largest rounding of a decay, with its sign."""
    decays = {decay for of in kinds.members for decay in (of.decay, of.current_decay)}
    errors = [float(decay) - _rounded_decay(decay, arithmetic) for decay in decays]
    return max(errors, key=abs)


def _refused(node: Node, rule: str, what: str) -> CompileError:
    return CompileError(
        f"quantize.{rule}", what, where=f"%{node.name}  {node.provenance}", hint="use --precision float"
    )
