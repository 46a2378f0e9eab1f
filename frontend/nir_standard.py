"""
The IR operations that standard NIR can say with exactly the same meaning, as a table.

NIR's neurons are differential equations; read with forward Euler at dt = 1 they are the IR's `lif`, except that NIR fires
strictly above the threshold. The comparator is therefore in the metadata (`comparator`), as is the exact record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np

from ir.graph import Array, Graph, Node
from ir.ops import Conv, Lif, Scale
from ir.types import Type

Rule = Callable[[Graph, Node], "nir.NIRNode | None"]


def _input(graph: Graph, node: Node) -> nir.NIRNode:
    return nir.Input(input_type={"input": np.array(node.type.shape, dtype=np.int64)})


def _linear(graph: Graph, node: Node) -> nir.NIRNode | None:
    """A matrix on a vector; NIR has no matrix that is shared by all tokens."""
    arrays = graph.arrays(node)
    if len(graph.args(node)[0].shape) != 1:
        return None
    return nir.Affine(arrays["weight"], arrays["bias"]) if "bias" in arrays else nir.Linear(arrays["weight"])


def _conv(graph: Graph, node: Node) -> nir.NIRNode:
    arrays, op, spatial = graph.arrays(node), node.op, graph.args(node)[0].shape[1:]
    assert isinstance(op, Conv)
    bias = arrays.get("bias", np.zeros(arrays["weight"].shape[0], arrays["weight"].dtype))
    if len(spatial) == 1:
        stride, padding, dilation = op.stride[0], op.padding[0], op.dilation[0]
        return nir.Conv1d(spatial[0], arrays["weight"], stride, padding, dilation, op.groups, bias)
    size, stride, padding, dilation = map(_pair, (spatial, op.stride, op.padding, op.dilation))
    return nir.Conv2d(size, arrays["weight"], stride, padding, dilation, op.groups, bias)


def _pair(axes: tuple[int, ...]) -> tuple[int, int]:
    return axes[0], axes[1]


def _lif(graph: Graph, node: Node) -> nir.NIRNode | None:
    """A neuron with one current, reset to a value."""
    op = node.op
    assert isinstance(op, Lif)
    if op.reset != "value" or op.micro or len(node.inputs) != 1 or node.params:
        return None
    return neuron(op, node.type)


def neuron(op: Lif, population: Type) -> nir.NIRNode:
    """The NIR neuron whose forward Euler step at dt = 1 is `op` (reset to a value, no bias)."""
    full = lambda value: np.full(population.shape, value, dtype=np.float32)  # noqa: E731
    firing = {"v_threshold": full(op.threshold), "v_reset": full(op.v_reset)}
    comparator = {"comparator": op.comparator}
    if op.decay == 0 and op.form == "sum":
        return nir.IF(r=full(op.gain), **firing, metadata=comparator)
    tau = 1 / op.decay if op.decay else np.inf
    gain = op.gain if op.form == "euler" else op.gain * tau
    return nir.LIF(tau=full(tau), r=full(gain), v_leak=full(op.leak), **firing, metadata=comparator)


def _flatten(graph: Graph, node: Node) -> nir.NIRNode | None:
    shape = graph.args(node)[0].shape
    if len(node.type.shape) != 1 or not shape:
        return None
    return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)


def _scale(graph: Graph, node: Node) -> nir.NIRNode | None:
    arrays = graph.arrays(node)
    assert isinstance(node.op, Scale)
    return nir.Scale(arrays["weight"]) if arrays and arrays["weight"].shape == node.type.shape else None


STANDARD: dict[str, Rule] = {
    "input": _input,
    "linear": _linear,
    "conv": _conv,
    "lif": _lif,
    "reshape": _flatten,
    "scale": _scale,
}
"""IR kind -> the NIR node that says it, or None for the attributes and shapes that NIR has no node for."""


def standard_arrays(node: Any) -> dict[str, Array]:
    """The parameters of a standard node by the IR's roles; neurons have none, their constants are attributes."""
    if isinstance(node, nir.Scale):
        return {"weight": node.scale}
    roles = {nir.Linear: ("weight",), nir.Affine: ("weight", "bias"), nir.Conv1d: ("weight", "bias")}
    wanted = {**roles, nir.Conv2d: ("weight", "bias")}.get(type(node), ())
    return {role: getattr(node, role) for role in wanted}
