"""The layers of a `.net` file -> a deployment of integers: one population per layer, in a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from frontend.netx.file import in_file, read_layers
from frontend.netx.layer import Layer
from frontend.netx.neuron import by_channel, cuba_of
from frontend.netx.synapses import ENTRIES, Shape, synapses_of
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder
from ir.ops.base import Input
from ir.ops.delay import Delay, Past
from ir.ops.linear import Linear, Sum, Synapse
from ir.ops.shape import Reshape
from ir.types import REAL, SPIKE, Type, graded
from ir.verify import verify

MAX_DELAY = 62
"""lava-dl's longest axonal delay."""
INPUT_TYPE = (8, 1 / 32)
"""Bits and unit to which SLAYER's `Input` block with neurons rounds the values that it is given."""
UNIT_GAIN = 64
"""The weight of such a block that has none."""


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """
    A network that is integers from the start.

    scale: real value of one integer of the output, 1 for spikes. readout: the population that emits it, "" where it spikes.
    steps_kept: steps between layers that are kept as delays (see `network_of`).
    """

    deployment: Deployment
    scale: float = 1.0
    readout: str = ""
    steps_kept: int = 0


def read_net(path: str | Path, input_shape: Shape | None = None) -> IntegerNetwork:
    """
    The network of a `.net` file.

    Args:
        input_shape: (C,) or (C, H, W), for files without an input layer; None: what a dense layer says itself.

    Raises:
        CompileError: naming file and layer, for everything that is damaged, unknown, or not Loihi's integers.
    """
    path = Path(path)
    layers = read_layers(path)
    try:
        return network_of(layers, path.stem, input_shape)
    except CompileError as error:
        raise in_file(error, str(path)) from None


def network_of(
    layers: Sequence[Layer], name: str, input_shape: Shape | None = None, entry: str = "input"
) -> IntegerNetwork:
    """
    The network of layers in a chain, its input called `entry`; see `read_net`.

    SLAYER and netx take one step from layer to layer. That shifts everything behind, and only a bias, which acts from the
    first step on, can tell: up to the last layer with one the steps are kept as delays, otherwise they are left out.
    """
    if entry in (layer.name for layer in layers):
        raise CompileError(
            "netx.name", f"the input has the name of a layer, {entry}", where=name, hint="call it otherwise"
        )
    biased = [layer.place for layer in layers if layer.has("bias") and layer.whole("bias").any()]
    chain = _Chain(name if name.isascii() and name else "network", layers[-1].place, max(biased, default=0))
    for layer in layers:
        if not chain.value:
            chain.enter(layer, input_shape, entry)
        if layer.kind != "input":
            chain.add(layer)
        elif layer.place:
            raise layer.error("input", "an input layer comes first")
    return chain.network()


class _Chain:
    """The network under construction; `value` is what the next layer reads."""

    def __init__(self, name: str, last: int, last_biased: int) -> None:
        self.name, self.last, self.last_biased, self.value, self.groups = name, last, last_biased, "", 0
        self.chip = GraphBuilder(f"{name}.chip", 0)
        self.scale, self.readout, self.steps_kept, self.populations = 1.0, "", 0, 0

    @property
    def shape(self) -> Shape:
        """The shape of what the next layer reads."""
        return self.chip.type(self.value).shape

    def enter(self, layer: Layer, given: Shape | None, entry: str) -> None:
        """The input, of the shape that the first layer says."""
        shape = _input_shape(layer, given)
        if given is not None and given != shape:
            raise layer.error("input", f"it takes {shape}, not {given}")
        analog = layer.kind == "input" and layer.has("neuron")
        bits, unit = INPUT_TYPE
        kind = Type(shape, graded(bits), unit) if analog else Type(shape, SPIKE)
        self.value = self.chip.add(Input(str(kind)), name=entry, provenance=layer.provenance)
        if analog:
            self._add_encoder(layer)
        elif layer.kind == "input":
            layer.check_entries("shape")

    def _add_encoder(self, layer: Layer) -> None:
        """Neurons that turn values into spikes: z = w x + b, finer by 2^6 / 2 than a weight, in units of the state."""
        layer.check_entries("shape", "weight", "bias", "neuron")
        weight = layer.number("weight") if layer.has("weight") else UNIT_GAIN
        cuba = cuba_of(layer, self.shape)
        if cuba.bias is not None and cuba.bias.any() and (cuba.i_decay != 1 << 12).any():
            raise layer.error(
                "bias",
                "SLAYER adds the bias of an input to the current, Loihi to the voltage",
                hint="use current_decay 1",
            )
        current = self.chip.add(
            Synapse(2 * weight), self.value, name=f"{layer.name}_weight", provenance=layer.provenance
        )
        op = cuba.spiking(shift=0)
        params = cuba.params(self.chip, layer.name, op)
        self.value = self.chip.add(op, current, name=layer.name, params=params, provenance=layer.provenance)
        self.populations += 1

    def add(self, layer: Layer) -> None:
        """One more layer."""
        if self.groups or self.readout:
            raise layer.error("layers", "it comes behind a read-out (a mean, or neurons that never fire)")
        if layer.kind == "flatten":
            layer.check_entries("shape")
            shape = (prod(self.shape),)
            _check_shape(layer, (prod(layer.sizes("shape")),), shape)
            self.value = self.chip.add(Reshape(shape), self.value, name=layer.name, provenance=layer.provenance)
        elif layer.kind == "average":
            layer.check_entries("shape")
            self.groups = prod(layer.sizes("shape"))
            if self.groups > prod(self.shape) or prod(self.shape) % self.groups:
                raise layer.error("shape", f"{self.shape} cannot be averaged in {self.groups} groups")
        elif layer.kind in ENTRIES:
            self._add_population(layer)
        else:
            known = ", ".join(("input", "flatten", "average", *ENTRIES))
            raise layer.error("layer", f"layers of type {layer.kind!r} cannot be compiled", hint=f"known: {known}")

    def _add_population(self, layer: Layer) -> None:
        layer.check_entries(*ENTRIES[layer.kind], "shape", "bias", "delay", "neuron")
        synapses, builder, provenance = synapses_of(layer, self.shape), self.chip, layer.provenance
        if self.populations and layer.place <= self.last_biased:
            self.value = builder.add(Delay(1), self.value, name=f"{layer.name}_late", provenance=provenance)
            self.steps_kept += 1
        weight = {"weight": builder.param(f"{layer.name}.weight", synapses.weight.astype(np.int16))}
        current = builder.add(
            synapses.op, self.value, name=f"{layer.name}_weight", params=weight, provenance=provenance
        )
        shape = builder.type(current).shape
        _check_shape(layer, layer.sizes("shape"), shape)
        cuba = cuba_of(layer, shape)
        reads = cuba.read_scale is not None and layer.place == self.last
        if cuba.threshold is None and not reads:
            raise layer.error("neuron", "it has no neurons, and is not the last layer")
        op = cuba.reading() if reads else cuba.spiking()
        currents = [current]
        if synapses.recurrent is not None and not reads:  # neurons that never fire feed nothing back
            kind = op.infer((builder.type(current),), {})
            before = builder.add(Past(layer.name, str(kind)), name=f"{layer.name}_before", provenance=provenance)
            own = {"weight": builder.param(f"{layer.name}.weight_rec", synapses.recurrent.astype(np.int16))}
            name = f"{layer.name}_weight_rec"
            currents.append(builder.add(Linear(), before, name=name, params=own, provenance=provenance))
        params = cuba.params(builder, layer.name, op)
        self.value = builder.add(op, *currents, name=layer.name, params=params, provenance=provenance)
        self.populations += 1
        if reads and cuba.read_scale is not None:
            self.scale, self.readout = cuba.read_scale, self.value
        self._delay(layer)

    def _delay(self, layer: Layer) -> None:
        """SLAYER's axonal delay, behind the neurons (netx: before them, which is the same for neurons without bias)."""
        if not layer.has("delay") or not (steps := layer.whole("delay")).any():
            return
        if steps.min() < 0 or steps.max() > MAX_DELAY:
            raise layer.error(
                "delay", f"delays of {steps.min()}..{steps.max()} steps", hint=f"lava-dl's are 0..{MAX_DELAY}"
            )
        if steps.size == 1 and (self.shape[0] == 1 or steps.ndim == 0):
            self.value = self.chip.add(Delay(int(steps.flat[0])), self.value, name=f"{layer.name}_delay")
            return
        own: Array = np.broadcast_to(by_channel(layer, "delay", steps, self.shape), self.shape)
        params = {"steps": self.chip.param(f"{layer.name}.delay", own)}
        self.value = self.chip.add(
            Delay(), self.value, name=f"{layer.name}_delay", params=params, provenance=layer.provenance
        )

    def network(self) -> IntegerNetwork:
        """The finished network."""
        if not self.populations:
            raise CompileError("netx.neuron", "the network has no neurons")
        chip = self.chip.build({self.value: self.value})
        verify(chip, "quantized")
        deployment = Deployment(_prologue(self.name, chip), chip, self._epilogue())
        return IntegerNetwork(deployment, self.scale, self.readout, self.steps_kept)

    def _epilogue(self) -> Graph:
        """The output as it leaves the chip, or the means of its groups."""
        builder = GraphBuilder(f"{self.name}.epilogue", 0)
        value = builder.add(Input(str(self.chip.type(self.value))), name=self.value)
        if self.groups:
            each = prod(self.shape) // self.groups
            value = builder.add(Reshape((self.groups, each)), value, name="groups")
            value = builder.add(Sum((1,), 1 / each), value, name="mean")
            value = builder.add(Reshape((self.groups,)), value, name="average")
        graph = builder.build({"output": value})
        verify(graph, "host")
        return graph


def _prologue(name: str, chip: Graph) -> Graph:
    """The input, passed on: spikes as they are, values to be rounded at the border."""
    builder = GraphBuilder(f"{name}.prologue", 0)
    (node,) = chip.inputs
    kind = node.type if node.type.domain == SPIKE else Type(node.type.shape, REAL)
    builder.add(Input(str(kind)), name=node.name, provenance=node.provenance)
    return builder.build({node.name: node.name})


def _input_shape(layer: Layer, given: Shape | None) -> Shape:
    if layer.kind == "input":
        return layer.sizes("shape")
    if layer.kind.startswith("dense") and layer.has("inFeatures"):
        return (layer.number("inFeatures"),)
    if layer.kind.startswith("dense"):
        weight = layer.whole("weight")
        return (weight.size // max(1, prod(layer.sizes("shape"))),)
    if given is None:
        raise layer.error(
            "input",
            "without an input layer the shape of the input is unknown",
            hint="give example inputs, or export with an Input block",
        )
    return given


def _check_shape(layer: Layer, said: Shape, found: Shape) -> None:
    """The file's shape of a layer; vectors are also written with axes of length 1."""
    if said != found and not (len(found) == 1 and prod(said) == found[0]):
        raise layer.error("shape", f"the file says shape {said}, its layers make {found}")
