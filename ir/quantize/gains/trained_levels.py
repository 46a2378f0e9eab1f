"""
Moves the step of weights into the neurons' gain: of multiples of any number, as training for few bits leaves them, and of others.

    %c = linear(%x, weight=@w)         w = s k, -128 <= k <= 127      %c = linear(%x, weight=@w.levels)             k
    %s = lif(%c) {threshold=1.0}                                     %s = lif(%c) {threshold=1.0, gain=s}

The chip's weights are then the levels k that training chose, to the last bit; what is left to round is the threshold 1 / s. A
step is a float, and so are its products with levels, so that weights count as multiples within what floats round, and
thresholds as whole numbers of steps. Grids of powers of two need none of this: `ir.quantize.units` holds them as they are.
Weights that no training put on levels become multiples k that are still to be rounded, of steps chosen row by row (`own_steps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import inf, nextafter

import numpy as np

from ir.analysis.wiring import Wiring, wiring_of
from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops.linear import Conv, Linear, Synapse
from ir.ops.neuron import Lif
from ir.profile import Arithmetic
from ir.quantize.gains.levels import TrainedLevels, levels_of, levels_of_rows, of_common_steps
from ir.quantize.gains.own_steps import own_steps
from ir.quantize.gains.row_gains import PASS, ROW_AXIS, arrivals
from ir.quantize.integers.programmed import PROGRAMMED
from ir.quantize.neurons.distinct import DistinctNeurons, distinct_neurons
from ir.quantize.neurons.normalize import exact_constants
from ir.quantize.units.amounts import LargestValues, finest_units
from ir.quantize.units.choose_unit import common_grid
from ir.quantize.weights import weight_levels, weight_statistics

LEVELS, OWN_STEPS = ".levels", ".own-steps"
"""Behind the name of a weight that is in steps, whole or not; no attribute of a module can be named like the second."""
HALVES = 2
"""Units of a step, so that a threshold may lie between two."""


def separate_levels(chip: Graph, arithmetic: Arithmetic, programmable: bool, own: bool = True) -> Graph:
    """
    The same network, in which populations whose weights have steps take these as their input gains.

    Args:
        programmable: whether neurons may have thresholds of their own, as rows of steps of their own need them.
        own: whether rows that have no steps get some.
    """
    wiring = wiring_of(chip)
    separated = {
        node.name: found
        for node in chip.nodes.values()
        if type(node.op) is Lif or isinstance(node.op, PROGRAMMED)
        if (found := _separated(chip, wiring, node, arithmetic, programmable, own))
    }
    levels = {name: each for _, into in separated.values() for name, each in into.items()}

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in levels:
            return _with_levels(rewriter, node, levels[node.name])
        if node.name in separated:
            gains, into = separated[node.name]
            return _with_gains(rewriter, node, gains, next(iter(into.values())).rounding)
        return None

    return Rewriter(chip, PASS).run(rule)


def _separated(
    chip: Graph, wiring: Wiring, node: Node, arithmetic: Arithmetic, programmable: bool, own: bool
) -> tuple[Array, dict[str, TrainedLevels]] | None:
    """The gains of a population, which broadcast to its shape, and the levels of all that feeds it; None without steps."""
    into = _feeding(chip, wiring, node)
    if into is None or not any(each.ndim for each in into.values()):
        return None
    if _are_held(chip, into, arithmetic, programmable):
        return None
    neurons = distinct_neurons(chip, node)
    trained = _trained(into, neurons, weight_levels(arithmetic), programmable)
    found = of_common_steps(trained, weight_levels(arithmetic)) if trained else {}
    gains = _gains(chip, node, found)
    if gains is None and own and programmable and neurons is not None:
        found = _in_own_steps(chip, node, into, neurons, arithmetic)
        gains = _gains(chip, node, found)
    return None if gains is None else (gains, found)


def _feeding(chip: Graph, wiring: Wiring, node: Node) -> dict[str, Array] | None:
    """Projection -> its weights, () those of a synapse, of all that feed a population; None where steps cannot be moved."""
    into = dict[str, Array]()
    for name in wiring.payload_projections(node):
        projection = chip.nodes[name]
        weight = chip.arrays(projection).get("weight")
        if wiring.targets[name] != (node.name,):
            return None
        if isinstance(projection.op, Synapse) and projection.op.weight and not projection.op.micro:
            into[name] = np.asarray(projection.op.weight, np.float64)
        elif weight is None or not isinstance(projection.op, Linear | Conv):
            return None
        elif np.any(weight):  # zeros are multiples of any step
            into[name] = weight
    return into


def _trained(
    into: Mapping[str, Array], neurons: DistinctNeurons | None, levels: int, programmable: bool
) -> dict[str, TrainedLevels]:
    """The levels that training left; none where weights are no multiples."""
    mirrored = neurons is not None and any(neuron.factor < 0 for neuron in neurons.members)
    bounds, found = (levels, levels if mirrored else levels + 1), dict[str, TrainedLevels]()
    for name, weight in into.items():
        if not weight.ndim:
            found[name] = TrainedLevels(np.abs(weight), np.sign(weight), 0.0)
            continue
        if weight[0].size < 2:  # any single weight is one step
            return {}
        each = levels_of(weight, *bounds) or (levels_of_rows(weight, *bounds) if programmable else None)
        if each is None:
            return {}
        found[name] = each
    return found


def _in_own_steps(
    chip: Graph, node: Node, into: Mapping[str, Array], neurons: DistinctNeurons, arithmetic: Arithmetic
) -> dict[str, TrainedLevels]:
    """Weights in steps of their rows, not whole yet; none beside synapses, which all have one weight."""
    counts = {len(weight) if weight.ndim else 0 for weight in into.values()}
    if len(counts) > 1 or 0 in counts:
        return {}
    rows, threshold = counts.pop(), min(float(each.threshold) for each in neurons.members)
    amount = neurons.largest(lambda each: float(max(each.threshold, each.theta, abs(each.start))))
    bias, axis = chip.arrays(node).get("bias", np.zeros(1)), ROW_AXIS[chip.nodes[next(iter(into))].op.kind]
    bias = np.abs(np.atleast_1d(bias))
    bias = bias.ravel() if bias.size == rows == bias.shape[axis] else np.full(rows, bias.max())
    finest = finest_units(LargestValues(0.0, 1.0, amount, 1.0), arithmetic)
    least = HALVES * np.maximum(finest["threshold"], finest["bias"] * bias)
    if np.any(least > threshold):
        return {}
    steps = own_steps([*into.values()], threshold, least, weight_levels(arithmetic))
    return {name: TrainedLevels(steps, _in_steps(weight, steps), 0.0, False) for name, weight in into.items()}


def _in_steps(weight: Array, steps: Array) -> Array:
    return (weight / steps.reshape(-1, *(1,) * (weight.ndim - 1))).astype(steps.dtype)


def in_own_steps(projection: Node) -> bool:
    """Whether the weights of a projection are multiples of steps that were chosen for them, still to be rounded."""
    return OWN_STEPS in (projection.param("weight") or "")


def _are_held(chip: Graph, into: Mapping[str, Array], arithmetic: Arithmetic, own_rows: bool) -> bool:
    """Whether a unit holds the weights as they are."""
    like = [weight_statistics(weight, arithmetic) for weight in into.values()]
    return (
        common_grid([row for each in like for row in (each.row_by_row() if own_rows else (each,))], arithmetic)
        is not None
    )


def _gains(chip: Graph, node: Node, into: Mapping[str, TrainedLevels]) -> Array | None:
    """The step of every neuron, which broadcast to the population; None without steps, or where routing leads to several."""
    if not into:
        return None
    steps = next(iter(into.values())).steps
    if not steps.ndim:
        return steps
    gains = [_arriving(chip, operand, steps) for operand in node.inputs]
    first, shape = gains[0], node.type.shape
    if first is None or first.shape != shape or any(each is None or not np.array_equal(each, first) for each in gains):
        return None
    for axis in range(len(shape)):
        one = first.take([0], axis)
        first = one if np.array_equal(np.broadcast_to(one, first.shape), first) else first
    return first


def _arriving(chip: Graph, operand: str, steps: Array) -> Array | None:
    """The steps of a projection's rows where they arrive; None behind what joins values."""
    projection, places = arrivals(chip, operand)
    if places is None:
        return None
    axis, shape = ROW_AXIS[projection.op.kind], projection.type.shape
    if shape[axis] != len(steps):  # of zeros, which have no steps of their own
        return None
    rows = steps.reshape([-1 if place == axis % len(shape) else 1 for place in range(len(shape))])
    return np.append(steps.max(), np.broadcast_to(rows, shape))[places]  # where nothing arrives any step will do


def _with_levels(rewriter: Rewriter, node: Node, found: TrainedLevels) -> str:
    if isinstance(node.op, Synapse):
        op = replace(node.op, weight=float(found.levels))
        return rewriter.builder.add(op, *rewriter.inputs(node), name=node.name, provenance=node.provenance)
    name = rewriter.builder.param(f"{node.param('weight')}{LEVELS if found.whole else OWN_STEPS}", found.levels)
    return rewriter.builder.add(
        node.op, *rewriter.inputs(node), name=node.name, params={"weight": name}, provenance=node.provenance
    )


def _with_gains(rewriter: Rewriter, node: Node, gains: Array, rounding: float) -> str:
    """The population with input gains that are so many times as large, and the bias in steps."""
    arrays, params, op = rewriter.graph.arrays(node), dict(node.params), node.op
    assert isinstance(op, Lif)
    new = dict[str, Array]()
    if "bias" in params:
        new["bias"] = _nearly_whole(arrays["bias"] / gains, rounding)
    if params.keys() <= {"bias"}:
        every: Array = op.gain * gains
        distinct, index = np.unique(every, return_inverse=True)
        scaled = [replace(op, gain=float(gain)) for gain in distinct]
        thresholds = np.array([_threshold(each, rounding) for each in scaled])[index].reshape(gains.shape)
        op = replace(scaled[0], threshold=float(thresholds.flat[0]))
        new |= {"gain": every} if gains.ndim else {}
        new |= {"threshold": thresholds} if np.any(thresholds != op.threshold) else {}
    else:
        new["gain"] = arrays.get("gain", np.asarray(op.gain)) * gains
    names = {role: rewriter.builder.param(f"{node.name}.{role}", array) for role, array in new.items()}
    inputs = rewriter.inputs(node)
    return rewriter.builder.add(op, *inputs, name=node.name, params={**params, **names}, provenance=node.provenance)


def _nearly_whole(numbers: Array, rounding: float) -> Array:
    """Numbers, whole where they are nearly."""
    whole = np.rint(numbers)
    return np.where(np.abs(numbers - whole) <= rounding * np.abs(numbers), whole, numbers)


def _threshold(op: Lif, rounding: float) -> float:
    """The threshold; where it is a whole number of input gains above the reset, nearly, one that so many reach."""
    if type(op) is not Lif:
        return op.threshold
    size, start = abs(exact_constants(op, {})["input_gain"]), Fraction(op.v_reset if op.reset == "value" else 0)
    steps = (Fraction(op.threshold) - start) / (size or 1)
    if abs(steps - round(steps)) > rounding * abs(steps):
        return op.threshold
    whole, strict = start + round(steps) * size, op.comparator == ">"
    nearest = float(whole)
    beyond = nearest < whole if strict else nearest > whole
    return nextafter(nearest, inf if strict else -inf) if beyond else nearest
