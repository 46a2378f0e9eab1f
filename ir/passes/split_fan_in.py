"""
Splits the sums of neurons that have more inputs than a core takes: partial sums on cores of their own, joined by graded relays.

    %y = linear(%x)         25,088 inputs      %y_part1 = linear(slice(%x))              12,544 inputs
                                               %y_part1_relay = graded(%y_part1)
                                               ...
                                               %y = add(synapse(%y_part1_relay), synapse(%y_part2_relay))

A relay emits its partial sum as a payload, so that the sum is the same, one step later. What a chip's payloads cannot hold, or a
chip without graded spikes, is left to the check of the map.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ir.analysis.ranges import magnitudes
from ir.analysis.wiring import wiring_of
from ir.deployment import Context, Deployment
from ir.graph import Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.mapping.loads import LoadCounter, core_limits, list_bytes
from ir.ops import Add, Conv, Graded, Linear, Slice, Sum, Synapse
from ir.profile import Profile

PASS = "split_fan_in"


def split_fan_in(chip: Graph, profile: Profile) -> Graph:
    """The graph in which no neuron has more inputs than a core takes, as far as graded relays help; itself where none does."""
    limit = _most_inputs(profile)
    if limit is None or not chip.is_integer or not profile.features.graded_spikes:
        return chip
    parts = _parts(chip, profile, limit)
    largest = magnitudes(chip) if parts else {}
    bits = {name: int(largest[name]).bit_length() + 1 for name in parts}

    def rule(rewriter: Rewriter, node: Node) -> str | None:
        if node.name not in parts or bits[node.name] > profile.arithmetic.payload_bits:
            return None
        return _joined(rewriter, node, parts[node.name], bits[node.name])

    return Rewriter(chip, PASS).run(rule)


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with partial sums in its chip's graph."""
    return deployment.on_chip(lambda chip: split_fan_in(chip, context.profile))


def _most_inputs(profile: Profile) -> int | None:
    """The inputs of a neuron that a core takes, each an axon with a list of one weight; None for any number, or none at all."""
    axons, memory, kind = (
        profile.limits.axons_in_per_core,
        profile.limits.synapse_memory_per_core,
        profile.synapse_memory,
    )
    bits = profile.arithmetic.weight_bits + kind.delay_bits
    lists = None if memory is None else memory // int(list_bytes(np.array([1]), bits, kind)[0])
    return min((most for most in (axons, lists) if most is not None), default=None) or None


def _parts(chip: Graph, profile: Profile, limit: int) -> dict[str, int]:
    """Projection that relays take over -> into how many partial sums."""
    wiring, parts = wiring_of(chip), dict[str, int]()
    wide = {name: {each: _fan_in(chip, chip.nodes[each]) for each in wiring.projections(name)} for name in wiring.feeds}
    wide = {name: sums for name, sums in wide.items() if sum(sums.values()) > limit}
    counter, limits = LoadCounter(chip, profile) if wide else None, core_limits(profile)
    for name, sums in wide.items():
        assert counter is not None
        alone = counter.alone(name)
        fits = all(alone.get(each, 0) <= most for each, most in limits.items())
        if fits:  # with shared kernels, or the same sources several times
            continue
        axons = sum(sums.values())
        for projection in sorted(sums, key=lambda each: -sums[each]):
            if axons > limit:
                parts[projection] = -(-sums[projection] // limit)
                axons += parts[projection] - sums[projection]
    return parts


def _fan_in(chip: Graph, node: Node) -> int:
    """The synapses of one element of a projection's result, at the most."""
    weight, op = chip.arrays(node).get("weight"), node.op
    if weight is not None:
        return prod(weight.shape[1:])
    shape = chip.args(node)[0].shape
    return prod(shape[axis] for axis in op.axes if axis or not op.micro) if isinstance(op, Sum) else 1


def _joined(rewriter: Rewriter, node: Node, parts: int, bits: int) -> str | None:
    """The projection as the sum of partial sums that relays send; None where its operand cannot be cut."""
    axis = _input_axis(rewriter.graph, node)
    if parts > 1 and (axis is None or rewriter.graph.args(node)[0].shape[axis] < parts):
        return None
    builder, added, sums = rewriter.builder, node.provenance.after(PASS), list[str]()
    for number, part in enumerate(_projections(rewriter, node, axis or 0, parts), 1):
        relay = builder.add(Graded(bits), part, name=f"{node.name}_part{number}_relay", provenance=added)
        sums.append(builder.add(Synapse(), relay, name=f"{node.name}_part{number}_out", provenance=added))
    return builder.add(Add(), *sums, name=node.name, provenance=added) if parts > 1 else sums[0]


def _input_axis(chip: Graph, node: Node) -> int | None:
    """The axis of the operand along which a projection's sums can be cut; None where there is none."""
    shape, op = chip.args(node)[0].shape, node.op
    if isinstance(op, Linear):
        return len(shape) - 1
    if isinstance(op, Sum):
        axes = [axis for axis in op.axes if axis or not op.micro]
        return max(axes, key=lambda axis: shape[axis], default=None)
    return 0 if isinstance(op, Conv) and op.groups == 1 else None


def _projections(rewriter: Rewriter, node: Node, axis: int, parts: int) -> Iterator[str]:
    """The partial sums, of equal shares of the operand."""
    builder, (operand,) = rewriter.builder, rewriter.inputs(node)
    size = builder.type(operand).shape[axis]
    for number in range(parts):
        start, stop = number * size // parts, (number + 1) * size // parts
        name = f"{node.name}_part{number + 1}"
        share = (
            operand
            if parts == 1
            else builder.add(Slice(axis, start, stop), operand, name=f"{name}_in", provenance=node.provenance)
        )
        params = dict(node.params)
        if "weight" in params and parts > 1:
            params["weight"] = builder.param(
                f"{params['weight']}.part{number + 1}", builder.array(params["weight"])[:, start:stop]
            )
        yield builder.add(node.op, share, name=name, params=params, provenance=node.provenance)
