"""
Networks whose cores Intel's compiler printed in the netx notebooks of lava-dl (commit d825ac5), and the rules that those tables show.

* A core of a convolution has all channels and rows of some columns, as many as the largest power of two that fits; not all columns
  where these are no power of two.
* A core of a dense layer has neighbouring neurons. No list has more than 255 synapses, so that 256 neurons begin as 255 and 1; what
  takes k times the memory of a core, rounded up, is cut in k, and that again where it still does not fit.
* A kernel is stored once per core. A dense synapse takes 8 bits (the Oxford notebook shows 10); what convolutions take is printed
  as 2 to 3 bits per weight, by no rule that we know: 8 bits are counted here. That changes no number of cores.
* A convolution's axons are printed as 1 or 2 per core, by their populations; counted here are the neurons behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array, Graph, GraphBuilder, Node
from ir.mapping.loads import LoadCounter
from ir.ops import Conv, Input, Linear, Reshape, Synapse
from ir.ops.integer_neuron import IntegerLif

LIST = 255
"""The most neurons of a list."""


@dataclass(frozen=True)
class Convolution:
    """Its output channels, stride and padding, of kernels of 3 x 3."""

    channels: int
    stride: tuple[int, int] = (2, 2)
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class PrintedNetwork:
    """A network of layers, and the cores that were printed for each."""

    notebook: str
    shape: tuple[int, ...]
    layers: tuple[Convolution | int, ...]
    """Convolutions, and the neurons of dense layers."""
    printed: tuple[int, ...]
    spikes_input: bool = False
    """Whether its input is a population of neurons."""

    def graph(self) -> Graph:
        """The network with weights that are all zero."""
        builder = GraphBuilder("printed", 1)
        value = builder.add(Input(f"spike[{'x'.join(map(str, self.shape))}]"), name="x")
        if self.spikes_input:
            value = _neurons(builder, builder.add(Synapse(), value, name="encode"), "input")
        for number, layer in enumerate(self.layers, 1):
            shape = builder.type(value).shape
            if isinstance(layer, Convolution):
                op, size = Conv(layer.stride, layer.padding, (1, 1)), (layer.channels, shape[0], 3, 3)
            else:
                op, size = Linear(), (layer, builder.type(value).size)
                value = builder.add(Reshape(size[1:]), value, name=f"flat{number}")
            weight = builder.param(f"w{number}", np.zeros(size, np.int8))
            current = builder.add(op, value, name=f"synapses{number}", params={"weight": weight})
            value = _neurons(builder, current, f"layer{number}")
        return builder.build({"y": value})


def _neurons(builder: GraphBuilder, current: str, name: str) -> str:
    return builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name=name)


PILOTNET = (
    *(Convolution(24), Convolution(36), Convolution(48), Convolution(64, (2, 1), (1, 0)), Convolution(64, (1, 1))),
    *(100, 50, 10, 1),
)
PRINTED: Mapping[str, PrintedNetwork] = {
    "PilotNet SNN": PrintedNetwork(
        "pilotnet_snn/benchmark", (3, 66, 200), PILOTNET, (13, 25, 13, 3, 3, 2, 12, 1, 1, 1), spikes_input=True
    ),
    "PilotNet SDNN": PrintedNetwork("pilotnet_sdnn/benchmark", (3, 66, 200), PILOTNET, (25, 13, 3, 3, 2, 12, 1, 1, 1)),
    "MNIST MLP": PrintedNetwork("mnist/run", (784,), (128, 64, 10), (3, 1, 1)),
    "Oxford": PrintedNetwork("oxford/run", (200,), (256, 200), (3, 2)),
}


def by_their_rules(counter: LoadCounter, node: Node, limits: Mapping[str, int]) -> int:
    """How many cores a population takes by the rules above."""
    shape = node.type.shape
    numbers = np.arange(node.type.size).reshape(shape)
    if len(shape) == 3:
        columns = 1 << (shape[-1].bit_length() - 1)
        while not _fits(counter, node, numbers[..., :columns].ravel(), limits):
            columns //= 2
        return -(-shape[-1] // columns)
    return sum(_dense(counter, node, numbers[first : first + LIST], limits) for first in range(0, shape[0], LIST))


def _dense(counter: LoadCounter, node: Node, neurons: Array, limits: Mapping[str, int]) -> int:
    parts = 1
    while True:
        width = -(-len(neurons) // parts)
        times = -(-counter.block(node.name, neurons[:width])["synapse_memory"] // limits["synapse_memory"])
        if times == 1:
            return -(-len(neurons) // width)
        parts *= times


def _fits(counter: LoadCounter, node: Node, neurons: Array, limits: Mapping[str, int]) -> bool:
    used = counter.block(node.name, neurons)
    return all(used[name] <= limits[name] for name in ("neurons", "synapse_memory", "axons_in"))
