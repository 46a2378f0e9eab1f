"""
Moves batch norms before the maxima, sums and constants of steps that they read, up to the projections which take them.

A maximum of currents commutes with positive factors and with constants; the signs of the gains stay behind. One of spikes is an
OR, and stays so. A sum takes the factors to all of its operands, and mean and constant to the first. A norm whose channels are
the steps is made of constants of steps itself.

    k max(x) + c      =  s max(|k| x + s c),  s the sign of k
    k (x + y) + c     =  (k x + c) + k y
    k (x w[t]) + c    =  (k x) w[t] + c
    k (x + b[t]) + c  =  (k x + c) + k b[t]
    k[t] x + c[t]     =  x k[t] + c[t]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ir.analysis.reach import made_of_spikes
from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops import Add, BatchNorm, MaxPool, Offset, Scale, TimeOffset, TimeWeight


def advance_norms(graph: Graph, pass_name: str) -> Graph:
    """The same network without a batch norm that reads any of these, or is one of steps."""
    above = {node.name: rule for node in graph.nodes.values() if (rule := _rule(graph, node)) is not None}
    if not above:
        return graph
    readers, outputs = graph.users(), set(graph.outputs.values())
    read = {graph.nodes[name].inputs[0] for name, rule in above.items() if rule is not _constants_of_steps}
    passed = {name for name in read if {reader.name for reader in readers[name]} <= above.keys()} - outputs

    def move(rewriter: Rewriter, node: Node) -> str | None:
        if node.name in above:
            return above[node.name](rewriter, node, graph.nodes[node.inputs[0]])
        return rewriter.inputs(node)[0] if node.name in passed else None

    return advance_norms(Rewriter(graph, pass_name).run(move), pass_name)


def read_by_advanced(graph: Graph, norm: Node) -> Iterator[Node]:
    """What a batch norm of features reads once it is before all that it is behind."""
    waiting = [graph.nodes[norm.inputs[0]]]
    while waiting:
        node = waiting.pop()
        if _commuting(graph, norm, node) is None:
            yield node
        else:
            waiting.extend(graph.nodes[name] for name in node.inputs)


Move = Callable[[Rewriter, Node, Node], str]
"""(rewriter, norm, what it reads) -> the value that replaces the norm."""


def _rule(graph: Graph, node: Node) -> Move | None:
    if not isinstance(node.op, BatchNorm):
        return None
    return _constants_of_steps if node.op.timed else _commuting(graph, node, graph.nodes[node.inputs[0]])


def _commuting(graph: Graph, norm: Node, read: Node) -> Move | None:
    """How a batch norm of features moves before what it reads; None where it does not."""
    assert isinstance(norm.op, BatchNorm)
    if isinstance(read.op, MaxPool):
        return _before_maximum if norm.op.axis == 0 and not read.type.is_spiking else None
    if isinstance(read.op, Add):
        return _before_sum if all(arg.shape == read.type.shape for arg in graph.args(read)) else None
    if not isinstance(read.op, TimeWeight | TimeOffset) or not made_of_spikes(graph, read.inputs[0]):
        return None
    return _before_factors if isinstance(read.op, TimeWeight) else _before_terms


def _constants_of_steps(rewriter: Rewriter, node: Node, read: Node) -> str:
    builder, provenance = rewriter.builder, node.provenance.after(rewriter.pass_name)
    factors, terms = affine(rewriter.graph.arrays(node), node)
    params = {"weight": builder.param(f"{node.name}.factors", factors)}
    value = builder.add(
        TimeWeight(), *rewriter.inputs(node), name=f"{node.name}_factors", params=params, provenance=provenance
    )
    params = {"bias": builder.param(f"{node.name}.terms", terms)}
    return builder.add(TimeOffset(), value, name=node.name, params=params, provenance=provenance)


def _before_factors(rewriter: Rewriter, node: Node, read: Node) -> str:
    builder, arrays, provenance = (
        rewriter.builder,
        rewriter.graph.arrays(node),
        node.provenance.after(rewriter.pass_name),
    )
    params = _stored(rewriter, node, _without_terms(arrays))
    norm = builder.add(node.op, *rewriter.inputs(read), name=node.name, params=params, provenance=provenance)
    value = builder.add(read.op, norm, name=read.name, params=dict(read.params), provenance=read.provenance)
    terms = {"bias": builder.param(f"{node.name}.terms", column(affine(arrays, node)[1], node))}
    return builder.add(Offset(), value, name=f"{node.name}_terms", params=terms, provenance=provenance)


def _before_terms(rewriter: Rewriter, node: Node, read: Node) -> str:
    builder, graph, provenance = rewriter.builder, rewriter.graph, node.provenance.after(rewriter.pass_name)
    norm = builder.add(node.op, *rewriter.inputs(read), name=node.name, params=dict(node.params), provenance=provenance)
    rows = graph.arrays(read)["bias"]
    rows = rows.reshape(len(rows), *(1,) * (len(node.type.shape) + 1 - rows.ndim), *rows.shape[1:])
    scaled = rows * column(affine(graph.arrays(node), node)[0], node)
    params = {"bias": builder.param(f"{node.name}.terms", scaled)}
    return builder.add(read.op, norm, name=read.name, params=params, provenance=read.provenance)


def gains(norm: Mapping[str, Array], eps: float) -> Array:
    """What a norm multiplies each channel by, `weight / sqrt(var + eps)`, in float64."""
    wide = {role: norm[role].astype(np.float64) for role in ("weight", "var") if role in norm}
    return wide.get("weight", 1.0) / np.sqrt(wide["var"] + eps)


def affine(norm: Mapping[str, Array], node: Node) -> tuple[Array, Array]:
    """k and c of a norm k x + c, computed in float64."""
    assert isinstance(node.op, BatchNorm)
    wide = {role: array.astype(np.float64) for role, array in norm.items()}
    k = gains(norm, node.op.eps)
    dtype = norm["var"].dtype
    return k.astype(dtype), np.asarray(wide.get("bias", 0.0) - k * wide["mean"]).astype(dtype)


def column(channels: Array, node: Node) -> Array:
    """A constant per channel with the axes of the norm's result from the channels' on."""
    assert isinstance(node.op, BatchNorm)
    return channels.reshape(-1, *(1,) * (len(node.type.shape) - node.op.axis - 1))


def _without_terms(norm: Mapping[str, Array]) -> dict[str, Array]:
    """The factors of a norm alone."""
    return {role: array for role, array in norm.items() if role != "bias"} | {"mean": np.zeros_like(norm["mean"])}


def _stored(rewriter: Rewriter, node: Node, arrays: Mapping[str, Array]) -> dict[str, str]:
    return {role: rewriter.builder.param(f"{node.name}.{role}", array) for role, array in arrays.items()}


def _before_sum(rewriter: Rewriter, node: Node, read: Node) -> str:
    builder, provenance = rewriter.builder, node.provenance.after(rewriter.pass_name)
    factors, terms = _without_terms(rewriter.graph.arrays(node)), list[str]()
    for place, value in enumerate(rewriter.inputs(read)):
        params = _stored(rewriter, node, factors) if place else dict(node.params)
        terms.append(builder.add(node.op, value, name=node.name, params=params, provenance=provenance))
    return builder.add(read.op, *terms, name=read.name, provenance=read.provenance)


def _before_maximum(rewriter: Rewriter, node: Node, pool: Node) -> str:
    builder, provenance = rewriter.builder, node.provenance.after(rewriter.pass_name)
    arrays = dict(rewriter.graph.arrays(node))
    signs = _signs(arrays)
    if np.any(signs < 0):
        arrays["weight"] = np.abs(arrays["weight"])
        arrays |= {"bias": arrays["bias"] * signs} if "bias" in arrays else {}
    params = _stored(rewriter, node, arrays)
    (above,) = rewriter.inputs(pool)
    norm = builder.add(node.op, above, name=node.name, params=params, provenance=provenance)
    moved = builder.add(pool.op, norm, name=pool.name, provenance=pool.provenance)
    if not np.any(signs < 0):
        return moved
    weight = builder.param(f"{node.name}.signs", column(signs, node))
    return builder.add(Scale(), moved, name=f"{node.name}_signs", params={"weight": weight}, provenance=provenance)


def _signs(norm: dict[str, Array]) -> Array:
    gains = norm.get("weight", np.ones_like(norm["mean"]))
    return np.where(gains < 0, -1, 1).astype(gains.dtype)
