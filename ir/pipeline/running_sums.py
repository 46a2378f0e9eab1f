"""
Running sums and means over the window that thresholds alone read: neurons that add up, and are never reset.

    %c = along(%s) {function='cumsum', axis=-1} : real[8]       %h = linear(%s, weight=@W, bias=@b) : current[3]
    %m = time_weight(%c, weight=@1/(t + 1)) : real[8]      ->   %f = lif(%h, bias=-theta) {decay=0, form='sum', v0=theta,
    %h = linear(%m, weight=@W, bias=@b) : real[3]                                          threshold=theta, reset='none'}
    %f = lif(%h) {decay=1, threshold=theta}

    W (s[0] + ... + s[t]) / (t + 1) + b >= theta   <=>   theta + sum over k <= t of (W s[k] + b - theta) >= theta

Means of spikes that a threshold reads directly are few fractions k / (t + 1): there theta is one, p / q, that decides as division
and comparison do in the source's floats, and p + sum of (q s[k] - p) >= p has whole numbers alone. Neurons that remember need the
mean itself. In windows of two steps its factors are 1 and 1/2, and the sum is x + late(x).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ir.analysis.reach import LINEAR, made_of_spikes, upstream
from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Add, BatchNorm, Delay, Lif, Offset, Scale, TimeWeight
from ir.ops.host.reduce import TIME, Along
from ir.ops.over_time.by_step import ByStep
from ir.passes.fold_batchnorm import is_foldable

PASS = "integrate_running_sums"
USUAL_DENOMINATOR = 64
"""The largest of fractions that a threshold is taken for whatever the window; others have at most T."""
LARGEST_DENOMINATOR = 127
"""Of a fraction whose weight fits eight bits as it is."""


@dataclass(frozen=True)
class _Cone:
    """What a threshold reads: running sums, and linear maps of them."""

    nodes: frozenset[str]
    mean: bool
    """Whether the sums are divided by the steps so far."""
    threshold: Fraction
    comparator: str
    counted: str = ""
    """The whole numbers of which a mean is compared as it is, the threshold a fraction of few parts; empty for none."""
    routes: tuple[Node, ...] = ()
    """How these are arranged before they are compared."""


def integrate_running_sums(graph: Graph) -> Graph:
    """The same network with its running sums in neurons (programmed ones: they have no reset), or the very graph without any."""
    found = ((node.name, _cone(graph, node)) for node in graph.nodes.values())
    cones = _read_by_none_else(graph, {name: cone for name, cone in found if cone is not None})
    sums = {name for cone in cones.values() for name in cone.nodes if not _is_linear(graph, graph.nodes[name])}
    read = upstream(graph, (node.name for node in graph.nodes.values() if node.op.family == "neuron"))

    def integrate(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in cones:
            return _integrator(rewriter, node, cones[node.name])
        if node.name in sums:
            return rewriter.inputs(node)[0]
        return _of_two_steps(rewriter, node) if node.name in read and _running_sum(graph, node) == [node] else None

    return Rewriter(graph, PASS).run(integrate)


def _read_by_none_else(graph: Graph, cones: Mapping[str, _Cone]) -> Mapping[str, _Cone]:
    """The cones of which nothing is read outside of all."""
    inside = {name for cone in cones.values() for name in cone.nodes}
    outside = (node for node in graph.nodes.values() if node.name not in inside and node.name not in cones)
    shared = inside & ({name for node in outside for name in node.reads} | set(graph.outputs.values()))
    if not shared:
        return cones
    return _read_by_none_else(graph, {name: cone for name, cone in cones.items() if cone.nodes.isdisjoint(shared)})


def _cone(graph: Graph, neuron: Node) -> _Cone | None:
    """What a neuron without memory reads, where that is running sums alone, all of them means or none."""
    op = neuron.op
    if type(op) is not Lif or op.decay != 1 or op.gain != 1 or op.micro or not op.is_basic(dict(neuron.params)):
        return None
    waiting, nodes, sums = list(neuron.inputs), set[str](), dict[str, list[Node]]()
    while waiting:
        node = graph.nodes[waiting.pop()]
        found = _running_sum(graph, node)
        if found:
            sums[node.name] = found
        elif not _is_linear(graph, node) or not node.reads:
            return None
        elif node.name not in nodes:
            waiting.extend(node.reads)
        nodes |= {node.name, *(each.name for each in found)}
    means = {len(found) > 1 for found in sums.values()}
    cone = _Cone(frozenset(nodes), True in means, Fraction(op.threshold) - Fraction(op.leak), op.comparator)
    if len(means) > 1 or not (cone.mean or _without_constants(graph, [neuron, *map(graph.nodes.__getitem__, nodes)])):
        return None
    return _counted(graph, neuron, op, cone, sums) if cone.mean else cone


def _running_sum(graph: Graph, node: Node) -> list[Node]:
    """
    The running sum of spikes, or of what synapses make of them, that a node is or divides by the steps so far.

    From the node up, with the routing between; nothing where it is none.
    """
    found = [node]
    if isinstance(node.op, TimeWeight):
        rows = graph.arrays(node)["weight"]
        if not np.array_equal(rows, 1 / np.arange(1, len(rows) + 1).astype(rows.dtype)):
            return []
        found.append(graph.nodes[node.inputs[0]])
        while found[-1].op.family == "routing" and _is_linear(graph, found[-1]) and len(found[-1].inputs) == 1:
            found.append(graph.nodes[found[-1].inputs[0]])
    total = found[-1]
    return found if total.op == Along("cumsum", TIME) and made_of_spikes(graph, total.inputs[0]) else []


def _is_linear(graph: Graph, node: Node) -> bool:
    """Whether an operation maps the sums of its operands to the sum of its results, constants aside."""
    if isinstance(node.op, BatchNorm):
        return not node.op.timed and is_foldable(graph, node)
    known = node.op.family in ("projection", "routing") or node.op.kind in LINEAR
    return known and not isinstance(node.op, ByStep | Delay)


def _without_constants(graph: Graph, nodes: list[Node]) -> bool:
    """Whether nothing is added that a neuron would add at every step."""
    return not any(node.op.kind in ("batch_norm", "offset") or node.param("bias") for node in nodes)


def _counted(graph: Graph, neuron: Node, op: Lif, cone: _Cone, sums: Mapping[str, list[Node]]) -> _Cone | None:
    """The cone with its threshold as a fraction where it has a mean of whole numbers alone; None for one of too many parts."""
    chain, reads = list[Node](), neuron.inputs
    while len(reads) == 1 and reads[0] not in sums:
        chain.insert(0, graph.nodes[reads[0]])
        reads = chain[0].reads
    *path, total = next(iter(sums.values()))
    whole = graph.args(total)[0].domain
    plain = len(reads) == 1 and all(each.op.family == "routing" or _is_number(each) for each in chain)
    if not plain or neuron.params or op.leak or whole.kind not in ("spike", "count"):
        return cone
    numbers = [each.op for each in chain if isinstance(each.op, Scale | Offset)]
    steps, most = total.type.steps or graph.steps, whole.bound or 1
    counts = [np.arange(t * most + 1) for t in range(1, steps + 1)]
    threshold, comparator = _fraction(numbers, op, counts, graph.dtype)
    if threshold.denominator > LARGEST_DENOMINATOR:
        return None
    routes = tuple(each for each in (*reversed(path), *chain) if each.op.family == "routing")
    return replace(cone, threshold=threshold, comparator=comparator, counted=total.inputs[0], routes=routes)


def _is_number(node: Node) -> bool:
    """Whether a node adds a number, or multiplies by one above 0."""
    return not node.params and (isinstance(node.op, Offset) or (isinstance(node.op, Scale) and node.op.factor > 0))


def _fraction(numbers: Sequence[Scale | Offset], op: Lif, counts: Sequence[Array], dtype: str) -> tuple[Fraction, str]:
    """
    The fraction that a mean is compared with in the end, and how.

    Args:
        numbers: what is added to means, and multiplied with them, before `op` compares. counts: all that can have been counted at
            each step. dtype: in which the source computes.
    """
    level = Fraction(float(np.asarray(op.threshold, dtype)))
    for each in reversed(numbers):
        number = Fraction(float(np.asarray(each.term if isinstance(each, Offset) else each.factor, dtype)))
        level = level - number if isinstance(each, Offset) else level / number
    fires = [_fired(numbers, op, own.astype(dtype) / np.asarray(t, dtype)) for t, own in enumerate(counts, 1)]
    usual = level.limit_denominator(USUAL_DENOMINATOR)
    whole = [replace(op, threshold=float(t * usual.numerator)) for t in range(1, len(counts) + 1)]
    if all(
        np.array_equal(a.fire(own * usual.denominator, {}), b) for a, own, b in zip(whole, counts, fires, strict=True)
    ):
        return usual, op.comparator
    least = [Fraction(int(own.argmax()), t) for t, own in enumerate(fires, 1) if own.any()]
    return min(least, default=Fraction(len(counts[0]) * len(counts))), ">="


def _fired(numbers: Sequence[Scale | Offset], op: Lif, mean: Array) -> Array:
    for each in numbers:
        mean = each.run((mean,), {}, 1)
    return op.fire(mean, {})


def _integrator(rewriter: Rewriter, node: Node, cone: _Cone) -> str:
    """The neuron under its own name; membrane and threshold start a level above 0, which its reset is not."""
    op, operands, dtype = node.op, rewriter.inputs(node), rewriter.graph.dtype
    threshold, level = cone.threshold, abs(cone.threshold) or Fraction(1)
    if cone.counted:
        operands = (_in_parts(rewriter, node, cone),)
        threshold, level = threshold * threshold.denominator, level * threshold.denominator
    bias = rewriter.graph.arrays(node).get("bias", np.zeros(1, dtype))
    bias, start = (bias - float(threshold), level) if cone.mean else (bias, level - threshold)
    params = {"bias": rewriter.builder.param(f"{node.name}.bias", bias.astype(dtype))} if bias.any() else {}
    assert isinstance(op, Lif)
    op = replace(op, decay=0.0, form="sum", leak=0.0, v0=float(start), threshold=float(level), reset="none")
    op = replace(op, comparator=cone.comparator)
    return rewriter.builder.add(op, *operands, name=node.name, params=params, provenance=node.provenance.after(PASS))


def _of_two_steps(rewriter: Rewriter, node: Node) -> str | None:
    """A running sum in a window so short that its mean has the factors 1 and 1/2; None in longer ones."""
    (x,), builder, provenance = rewriter.inputs(node), rewriter.builder, node.provenance.after(PASS)
    steps = node.type.steps or rewriter.graph.steps
    if steps == 1:
        return x
    if steps > 2:
        return None
    before = builder.add(Delay(1), x, name=f"{node.name}_before", provenance=provenance)
    return builder.add(Add(), x, before, name=node.name, provenance=provenance)


def _in_parts(rewriter: Rewriter, node: Node, cone: _Cone) -> str:
    """The whole numbers, arranged, as many times as the threshold has parts."""
    value = rewriter.values[cone.counted]
    for route in cone.routes:
        value = rewriter.builder.copy(route, [value])
    if cone.threshold.denominator == 1:
        return value
    parts, provenance = Scale(float(cone.threshold.denominator)), node.provenance.after(PASS)
    return rewriter.builder.add(parts, value, name=f"{node.name}_parts", provenance=provenance)
