"""Several IR operations that are one node of NIR: a matrix for every token, and padding as torch's 'same'."""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np

from frontend.nir.writing.fragments import NirFragment, convolution
from frontend.nir.writing.kernels import dense_kernels
from ir.graph import Graph, Node
from ir.ops import Conv, Pad, Reshape


@dataclass(frozen=True)
class OperatorFusion:
    """A node that also does the work of nodes before it."""

    fragment: NirFragment
    operand: str
    """The value that it reads then."""
    absorbed: tuple[str, ...]
    """The nodes whose work it does."""


def operator_fusions(graph: Graph) -> dict[str, OperatorFusion]:
    """Node -> what it and nodes before it are in NIR."""
    readers: dict[str, int] = dict.fromkeys(graph.nodes, 0)
    for node in graph.nodes.values():
        for name in node.reads:
            readers[name] += 1
    for name in graph.outputs.values():
        readers[name] += 1
    single = {name for name, count in readers.items() if count == 1}
    fusions: dict[str, OperatorFusion] = {}
    for node in graph.nodes.values():
        fusion = _matrices(graph, node, single) or _same(graph, node, single)
        if fusion is not None:
            fusions[node.name] = fusion
    return fusions


def _matrices(graph: Graph, node: Node, single: set[str]) -> OperatorFusion | None:
    """A convolution of one tap between two reshapes, one group for every token: leading axes of a weight."""
    if not isinstance(node.op, Reshape) or node.inputs[0] not in single:
        return None
    conv = graph.nodes[node.inputs[0]]
    before = graph.nodes[conv.inputs[0]] if isinstance(conv.op, Conv) else conv
    if not isinstance(conv.op, Conv) or not isinstance(before.op, Reshape) or before.name not in single:
        return None
    arrays = graph.arrays(conv)
    weight, leading, inputs = arrays["weight"], node.type.shape[:-1], graph.args(before)[0].shape
    outputs = node.type.shape[-1] if node.type.shape else 0
    tokens = conv.op.groups
    fits = weight.shape[2:] == (1,) and conv.type.shape[1:] == (1,) and tokens == int(np.prod(leading))
    if (
        not (fits and conv.op.is_plain)
        or conv.op.padding != (0,)
        or inputs != (*leading, weight.shape[1])
        or weight.shape[0] != tokens * outputs
    ):
        return None
    matrix = weight.reshape(*leading, outputs, weight.shape[1])
    bias = arrays["bias"].reshape(*leading, outputs) if "bias" in arrays else None
    weighting = nir.Linear(matrix) if bias is None else nir.Affine(matrix, bias)
    return OperatorFusion(NirFragment((weighting,)), before.inputs[0], (conv.name, before.name))


def _same(graph: Graph, node: Node, single: set[str]) -> OperatorFusion | None:
    """Zeros on one side more than on the other, as an even kernel with the padding 'same' has them."""
    if not isinstance(node.op, Conv) or set(node.op.stride) != {1} or not node.op.is_plain:
        return None
    pads = {axis: [pad, pad] for axis, pad in enumerate(node.op.padding, start=1)}
    source, absorbed = graph.nodes[node.inputs[0]], list[str]()
    while isinstance(source.op, Pad) and source.name in single and source.op.axis in pads:
        pads[source.op.axis][0] += source.op.before
        pads[source.op.axis][1] += source.op.after
        absorbed.append(source.name)
        source = graph.nodes[source.inputs[0]]
    arrays = graph.arrays(node)
    totals = [gap * (k - 1) for gap, k in zip(node.op.dilation, arrays["weight"].shape[2:], strict=True)]
    if not absorbed or list(pads.values()) != [[total // 2, total - total // 2] for total in totals]:
        return None
    weight = dense_kernels(arrays["weight"], node.op.groups)
    bias = arrays.get("bias", np.zeros(len(weight), weight.dtype))
    conv = convolution(source.type.shape[1:], weight, (1,), "same", node.op.dilation, bias)
    return OperatorFusion(NirFragment((conv,)), source.name, tuple(absorbed))
