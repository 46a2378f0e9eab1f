"""
Folds batch norms in evaluation mode into the projection whose current they normalise.

    y = (W x + b - mean) / sqrt(var + eps) * weight + bias
      = W' x + b',    W'[o] = k[o] W[o],  b'[o] = k[o] (b[o] - mean[o]) + bias[o],  k = weight / sqrt(var + eps)

Models put permutes between a token-wise linear and its norm, since torch normalises axis 1; the norm is therefore looked
for through routing, and only where the routing keeps the channels together.

    %h = linear(%x, weight=W, bias=b)      %h = linear(%x, weight=W', bias=b')
    %p = permute(%h) {perm=(1, 0)}         %p = permute(%h) {perm=(1, 0)}
    %n = batch_norm(%p) {axis=0}           (readers of %n read %p)

Computed in float64, rounded once to the weights' own type. A norm behind a maximum, a sum or constants of steps moves before
it first (`ir.lowerings.advance_norms`). One of anything else, such as spikes or channels that are cut, becomes a factor and a
term per channel:

    %n = batch_norm(%s) {axis=0}           %k = scale(%s, weight=k)
                                           %n = offset(%k, bias=bias - k mean)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ir.analysis.reach import made_of_spikes
from ir.deployment import Context, Deployment
from ir.graph import Array, Graph, Node
from ir.lowerings.advance_norms import advance_norms, affine, column, gains, read_by_advanced
from ir.lowerings.rewriter import Rewriter
from ir.ops import BatchNorm, Conv, Gather, Linear, Offset, Permute, Reshape, Scale, Slice
from ir.ops.shape import SILENT
from ir.passes.merge_routing import merge_routing
from ir.passes.narrow_projections import channel_axis

PASS = "fold_batchnorm"


@dataclass(frozen=True)
class _Plan:
    """A norm, the projection above it, and the routing between them, topmost first."""

    norm: Node
    projection: Node
    chain: tuple[Node, ...]
    shared: bool
    """Something else reads the projection, or the routing, too."""


def fold_batchnorm(graph: Graph) -> Graph:
    """The graph without batch norms; of norms one behind the other, the first is folded first."""
    while norms := _norms(graph := advance_norms(graph, PASS)):
        plans = {
            node.name: plan for node in norms if (plan := _plan(graph, node, graph.nodes[node.inputs[0]])) is not None
        }
        graph = _without(graph, plans) if plans else Rewriter(graph, PASS).run(_as_constants)
    return graph


def folded_norms(graph: Graph) -> dict[str, str]:
    """Weight -> the module path of the norm that is folded into it; of norms and weights that have no other partner."""
    advanced = advance_norms(graph, PASS)
    plans = [(node, _plan(advanced, node, advanced.nodes[node.inputs[0]])) for node in _norms(advanced)]
    made = [(plan.projection.param("weight"), node) for node, plan in plans if plan is not None and not plan.shared]
    pairs = {(weight, node.provenance.module) for weight, node in made if weight is not None}
    partners = Counter(name for pair in pairs for name in pair)
    return {weight: norm for weight, norm in pairs if partners[weight] == partners[norm] == 1}


def _norms(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if isinstance(node.op, BatchNorm)]


def _without(graph: Graph, plans: Mapping[str, _Plan]) -> Graph:
    """The graph without the norms that have a plan."""
    at_projection = {plan.projection.name: plan for plan in plans.values() if not plan.shared}

    def fold(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in at_projection:
            return _folded(rewriter, at_projection[node.name])
        if node.name not in plans:
            return None
        return _copy_of_chain(rewriter, plans[node.name]) if plans[node.name].shared else rewriter.inputs(node)[0]

    return Rewriter(graph, PASS).run(fold)


def is_foldable(graph: Graph, norm: Node) -> bool:
    """Whether projections above a batch norm take it, or gates one of steps."""
    assert isinstance(norm.op, BatchNorm)
    if norm.op.timed:
        return made_of_spikes(graph, norm.inputs[0])
    return all(_plan(graph, norm, node) is not None for node in read_by_advanced(graph, norm))


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with norms folded, and the routing joined that lay around them."""
    return deployment.on_chip(lambda chip: merge_routing(fold_batchnorm(chip)))


def _plan(graph: Graph, norm: Node, node: Node) -> _Plan | None:
    """Walk up from what the norm reads with the axis of its channels; None where no projection is found."""
    assert isinstance(norm.op, BatchNorm)
    users, outputs = graph.users(), set(graph.outputs.values())
    axis, chain = norm.op.axis, list[Node]()
    while isinstance(node.op, (Permute, Reshape, Slice, Gather)):
        above = graph.nodes[node.inputs[0]]
        moved = _axis_above(node, above, axis)
        if moved is None:
            return None
        chain.insert(0, node)
        node, axis = above, moved
    if not isinstance(node.op, (Linear, Conv)) or channel_axis(node) != axis:
        return None
    passed = [node, *chain]
    shared = any(len(users[each.name]) > 1 or each.name in outputs for each in passed)
    return _Plan(norm, node, tuple(chain), shared)


def _axis_above(node: Node, above: Node, axis: int) -> int | None:
    """Where the channels of a routing node's result lie in its operand; None where they are cut or split."""
    if isinstance(node.op, Permute):
        return node.op.perm[axis]
    if isinstance(node.op, Gather) and SILENT in node.op.index:
        return None  # a norm makes something of the silence, too
    if isinstance(node.op, (Slice, Gather)):
        return None if node.op.axis == axis else axis
    after, before = node.type.shape, above.type.shape
    same = (place for place in range(len(before)) if _splits_alike(before, place, after, axis))
    return next(same, None)


def _splits_alike(before: tuple[int, ...], place: int, after: tuple[int, ...], axis: int) -> bool:
    return before[place] == after[axis] and prod(before[place + 1 :]) == prod(after[axis + 1 :])


def _folded(rewriter: Rewriter, plan: _Plan) -> str:
    """The projection with the norm in its weights, in the new graph."""
    arrays, norm = rewriter.graph.arrays(plan.projection), rewriter.graph.arrays(plan.norm)
    assert isinstance(plan.norm.op, BatchNorm)
    weight, bias = fold(arrays["weight"], arrays.get("bias"), norm, plan.norm.op.eps)
    name = plan.projection.param("weight")
    stem = f"{name}.{plan.norm.name}" if plan.shared else f"{name}.folded"
    params = {
        "weight": rewriter.builder.param(stem, weight),
        "bias": rewriter.builder.param(f"{stem}_bias", bias),
    }
    provenance = plan.projection.provenance.after(PASS)
    name = f"{plan.projection.name}_{plan.norm.name}" if plan.shared else plan.projection.name
    inputs = rewriter.inputs(plan.projection)
    return rewriter.builder.add(plan.projection.op, *inputs, name=name, params=params, provenance=provenance)


def fold(weight: Array, bias: Array | None, norm: dict[str, Array], eps: float) -> tuple[Array, Array]:
    """
    Weight (O, ...) and bias (O,) that do projection and norm at once.

    >>> norm = {"mean": np.array([1.0]), "var": np.array([4.0]), "weight": np.array([3.0])}
    >>> fold(np.array([[2.0]]), np.array([5.0]), norm, 0.0)
    (array([[3.]]), array([6.]))
    """
    mean, k = norm["mean"].astype(np.float64), gains(norm, eps)
    old = np.zeros_like(mean) if bias is None else bias.astype(np.float64)
    shift = k * (old - mean) + (norm["bias"].astype(np.float64) if "bias" in norm else 0.0)
    scaled = weight.astype(np.float64) * k.reshape(-1, *(1,) * (weight.ndim - 1))
    return scaled.astype(weight.dtype), shift.astype(weight.dtype)


def _copy_of_chain(rewriter: Rewriter, plan: _Plan) -> str:
    """A folded copy of a shared projection, with the routing that led from it to the norm."""
    value = _folded(rewriter, plan)
    for node in plan.chain:
        value = rewriter.builder.add(node.op, value, name=f"{node.name}_{plan.norm.name}", provenance=node.provenance)
    return value


def _as_constants(rewriter: Rewriter, node: Node) -> str | None:
    """A factor and a term per channel in place of a norm."""
    if not isinstance(node.op, BatchNorm):
        return None
    builder, provenance = rewriter.builder, node.provenance.after(PASS)
    factors, terms = (column(channels, node) for channels in affine(rewriter.graph.arrays(node), node))
    params = {"weight": builder.param(f"{node.name}.factors", factors)}
    value = builder.add(
        Scale(), *rewriter.inputs(node), name=f"{node.name}_factors", params=params, provenance=provenance
    )
    params = {"bias": builder.param(f"{node.name}.terms", terms)}
    return builder.add(Offset(), value, name=node.name, params=params, provenance=provenance)
