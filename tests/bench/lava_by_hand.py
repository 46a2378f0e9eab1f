"""A chain of layers as a Lava user writes it: one Dense or Conv and one LIFReset per layer, a source, a sink, nothing of ours."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from backends.lava.emit.matrix import stored_matrix
from backends.lava.runtime.children import start_by_forking
from ir.graph import Graph, Node
from ir.ops.base import Input
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear
from ir.ops.shape import Reshape

Array = np.ndarray[Any, Any]
WARM_UP = 4
"""Steps before the clock starts."""


def is_chain(chip: Graph) -> bool:
    """Whether the network is nothing but weighted layers with Lava's own neurons, one after another."""
    return all(isinstance(node.op, (Input, Conv, Linear, IntegerLif, Reshape)) for node in chip.nodes.values())


class ByHand:
    """The chain as connected processes that play `spikes` (T, samples, *shape) sample after sample."""

    def __init__(self, chip: Graph, spikes: Array) -> None:
        start_by_forking()
        from lava.proc.io.sink import RingBuffer as Sink
        from lava.proc.io.source import RingBuffer as Source

        self.steps, self.samples = spikes.shape[:2]
        stream = spikes.swapaxes(0, 1).reshape(-1, *spikes.shape[2:])
        self.layers = sum(node.op.family == "neuron" for node in chip.nodes.values())
        self.length = len(stream) + self.layers
        stream = np.concatenate([stream, np.zeros((self.layers, *stream.shape[1:]))]).astype(np.int32)
        previous = chip.inputs[0]
        source = Source(data=np.moveaxis(_in_lava_order(stream, 1), 0, -1))
        port, depth = source.s_out, 0
        for node in chip.nodes.values():
            if isinstance(node.op, (Conv, Linear)):
                synapses = _synapses(chip, node, previous)
                (port if port.shape == synapses.s_in.shape else port.flatten()).connect(synapses.s_in)
                port = synapses.a_out
            elif isinstance(node.op, IntegerLif):
                depth += 1
                lif = _neurons(chip, node, port.shape, self.steps, depth)
                port.connect(lif.a_in)
                port, previous = lif.s_out, node
        self.sink = Sink(shape=port.shape, buffer=self.length)
        port.connect(self.sink.a_in)

    def run(self) -> tuple[float, Array]:
        """Seconds per step, and the last layer's spikes (T, samples, neurons)."""
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2SimCfg

        config = Loihi2SimCfg(select_tag="fixed_pt")
        try:
            self.sink.run(RunSteps(WARM_UP), config)
            begin = time.perf_counter()
            self.sink.run(RunSteps(self.length - WARM_UP), config)
            seconds = (time.perf_counter() - begin) / (self.length - WARM_UP)
            spikes = self.sink.data.get().T[self.layers :]
        finally:
            self.sink.stop()
        return seconds, spikes.reshape(self.samples, self.steps, -1).swapaxes(0, 1)


def _in_lava_order(maps: Array, axis: int) -> Array:
    """(..., channels, height, width) -> (..., height, width, channels), from `axis` on; vectors as they are."""
    return np.moveaxis(maps, axis, -1) if maps.ndim - axis == 3 else maps


def _synapses(chip: Graph, node: Node, source: Node) -> Any:
    from lava.proc.conv.process import Conv as LavaConv
    from lava.proc.dense.process import Dense
    from scipy import sparse

    weight = chip.arrays(node)["weight"].astype(np.int32)
    if isinstance(node.op, Conv):
        channels, height, width = source.type.shape
        kernel = _in_lava_order(weight, 1)[
            :, ::-1, ::-1
        ].copy()  # Lava's is a convolution proper, torch's a correlation
        shape = (height, width, channels)
        return LavaConv(weight=kernel, input_shape=shape, stride=node.op.stride, padding=node.op.padding)
    if len(source.type.shape) == 3:  # Lava flattens with the channels last
        weight = _in_lava_order(weight.reshape(-1, *source.type.shape), 1).reshape(len(weight), -1)
    stored = stored_matrix(sparse.csr_matrix(weight.astype(np.int64)))
    assert stored is not None
    return Dense(weights=stored.weights.toarray(), weight_exp=stored.exponent)


def _neurons(chip: Graph, node: Node, shape: tuple[int, ...], steps: int, depth: int) -> Any:
    from lava.proc.lif.process import LIFReset

    op = node.op
    assert isinstance(op, IntegerLif)
    bias = chip.arrays(node).get("bias", np.zeros(1, np.int32))
    assert bias.min() == bias.max(), "per channel biases would need their own order"
    vth = _in_lava_order(np.broadcast_to(chip.arrays(node).get("vth", op.vth), node.type.shape), 0).reshape(shape)
    neuron = {"du": op.du, "dv": op.dv, "vth": vth, "bias_mant": int(bias.flat[0])}
    return LIFReset(shape=shape, **neuron, reset_interval=steps, reset_offset=depth + 1)
