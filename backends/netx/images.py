"""A convolutional layer: one population of an image, whose kernel reads the image of the layer before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.netx.layer import NetxLayer
from backends.netx.levels import LayeredNetwork
from backends.netx.neurons import NetxNeurons, neurons_of
from backends.netx.weights import check_weights
from ir.analysis.fan_in import EMITTERS
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv, Synapse
from ir.ops.over_time.delay import Delay

SUM_ROOM = 1 << 23
"""Lava's Conv wraps sums to 24 bits."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """A convolution of two spatial axes."""

    weight: Array
    """(channels, channels of a group, height, width)."""
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def image_shape(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """A value as an image (channels, height, width); a sequence (channels, length) is one of height 1. None for others."""
    return {2: (shape[0], 1, shape[-1]), 3: shape}.get(len(shape)) if shape else None


def image_layer(levels: LayeredNetwork, level: int) -> NetxLayer | None:
    """
    One layer of `levels` as a convolution; None where it is none, or its neurons differ within a channel.

    Raises:
        CompileError: its weights or neurons cannot be said.
    """
    graph, names = levels.graph, (*levels.members[level - 1], *levels.members[level])
    if len(names) != 2 or levels.depth[names[1]] != level:
        return None
    node = graph.nodes[names[1]]
    shape, kernel = image_shape(node.type.shape), _kernel(graph, node)
    origin = _origin(graph, graph.nodes[node.inputs[0]].inputs[0]) if kernel else None
    if shape is None or kernel is None or origin is None or origin[0] != names[0]:
        return None
    try:
        neurons = neurons_of(graph, node)
        check_weights(node.name, kernel.weight)
        if levels.bounds[node.inputs[0]] >= SUM_ROOM:
            raise CompileError("netx.range", f"%{node.name}: its sums could leave 24 bits", hint="use smaller inputs")
    except CompileError as error:
        raise error.placed(str(node.provenance)) from None
    if not _same_in_channels(neurons, shape[0]):
        return None
    return NetxLayer("conv", shape, _entries(kernel), neurons, np.array(origin[1]))


def _kernel(graph: Graph, node: Node) -> Kernel | None:
    """The one projection of a population as a convolution in two dimensions."""
    wire = graph.nodes[node.inputs[0]] if len(node.inputs) == 1 else node
    source = graph.args(wire)[0].shape
    if isinstance(wire.op, Synapse) and len(source) == 3:
        weight = np.full((source[0], 1, 1, 1), int(wire.op.weight))
        return Kernel(weight, (1, 1), (0, 0), (1, 1), source[0])
    if not isinstance(wire.op, Conv) or not wire.op.is_plain or len(source) > 3:
        return None
    weight, op = graph.arrays(wire)["weight"].astype(np.int64), wire.op
    if weight.ndim == 3:
        return Kernel(weight[:, :, None], (1, *op.stride), (0, *op.padding), (1, *op.dilation), op.groups)
    return Kernel(weight, op.stride, op.padding, op.dilation, op.groups)


def _origin(graph: Graph, value: str) -> tuple[str, int] | None:
    """(population or input, steps ago) of a value that is one as it is, or late as a whole."""
    late, node = 0, graph.nodes[value]
    while isinstance(node.op, Delay) and not node.params:
        late, node = late + node.op.steps, graph.nodes[node.inputs[0]]
    return (node.name, late) if node.op.family in EMITTERS else None


def _same_in_channels(neurons: NetxNeurons, channels: int) -> bool:
    """Whether all neurons of a channel have the same constants."""
    arrays = (neurons.i_decay, neurons.v_decay, neurons.threshold, neurons.bias)
    rows = [array.reshape(channels, -1) for array in arrays]
    return all(bool((row == row[:, :1]).all()) for row in rows)


def _entries(kernel: Kernel) -> dict[str, Array]:
    """What a file says of a convolution, axes in the order (height, width)."""
    channels, inputs, *size = kernel.weight.shape
    numbers = {
        "inChannels": inputs * kernel.groups,
        "outChannels": channels,
        "kernelSize": size,
        "stride": kernel.stride,
        "padding": kernel.padding,
        "dilation": kernel.dilation,
        "groups": kernel.groups,
    }
    return {**{name: np.array(value) for name, value in numbers.items()}, "weight": kernel.weight}
