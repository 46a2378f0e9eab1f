"""The layers of a `.net` file, one after another, as a chip's graph with an input and an output on the host."""

from __future__ import annotations

from math import prod

import numpy as np

from frontend.netx.layers import NetLayer
from frontend.netx.neuron import Cuba, by_channel, cuba_of
from frontend.netx.synapses import ENTRIES, NetSynapses, Shape, synapses_of
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder
from ir.ops.base import Input
from ir.ops.integer_neuron import IntegerNeuron
from ir.ops.linear import Linear, Sum, Synapse
from ir.ops.over_time.delay import Delay, Past
from ir.ops.shape import Reshape
from ir.types import REAL, SPIKE, Type, graded
from ir.verify import verify

MAX_DELAY = 62
"""lava-dl's longest axonal delay."""
INPUT_TYPE = (8, 1 / 32)
"""Bits and unit to which SLAYER's `Input` block with neurons rounds the values that it is given."""
UNIT_GAIN = 64
"""The weight of such a block that has none."""
KINDS = ("input", "flatten", "average", *ENTRIES)
"""Types of layers."""


class ChainBuilder:
    """
    A network under construction; `value` is what the next layer reads.

    Args:
        last: place of the last layer.
        last_biased: place of the last layer with a bias; up to there the steps between layers are kept as delays.
    """

    def __init__(self, name: str, last: int, last_biased: int) -> None:
        self._name, self._last, self._last_biased = name, last, last_biased
        self._chip = GraphBuilder(f"{name}.chip", 0)
        self._groups = self._populations = 0
        self.value, self.readout, self.scale, self.steps_kept = "", "", 1.0, 0

    @property
    def shape(self) -> Shape:
        """The shape of what the next layer reads."""
        return self._chip.type(self.value).shape

    def enter(self, layer: NetLayer, input_shape: Shape | None, entry: str) -> None:
        """The input, of the shape that the first layer says."""
        shape = _input_shape(layer, input_shape)
        if input_shape is not None and input_shape != shape:
            raise layer.error("input", f"it takes {shape}, not {input_shape}")
        analog = layer.kind == "input" and layer.has("neuron")
        bits, unit = INPUT_TYPE
        kind = Type(shape, graded(bits), unit) if analog else Type(shape, SPIKE)
        self.value = self._chip.add(Input(str(kind)), name=entry, provenance=layer.provenance)
        if analog:
            self._add_encoder(layer)
        elif layer.kind == "input":
            layer.check_entries("shape")

    def _add_encoder(self, layer: NetLayer) -> None:
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
        name = f"{layer.name}_weight"
        current = self._chip.add(Synapse(2 * weight), self.value, name=name, provenance=layer.provenance)
        self._add_neurons(layer, cuba, cuba.spiking(shift=0), current)

    def add(self, layer: NetLayer) -> None:
        """One more layer."""
        if self._groups or self.readout:
            raise layer.error("layers", "it comes behind a read-out (a mean, or neurons that never fire)")
        if layer.kind == "flatten":
            layer.check_entries("shape")
            shape = (prod(self.shape),)
            _check_shape(layer, (prod(layer.sizes("shape")),), shape)
            self.value = self._chip.add(Reshape(shape), self.value, name=layer.name, provenance=layer.provenance)
        elif layer.kind == "average":
            layer.check_entries("shape")
            self._groups = prod(layer.sizes("shape"))
            if self._groups > prod(self.shape) or prod(self.shape) % self._groups:
                raise layer.error("shape", f"{self.shape} cannot be averaged in {self._groups} groups")
        elif layer.kind in ENTRIES:
            self._add_population(layer)
        else:
            raise _unknown(layer)

    def _add_population(self, layer: NetLayer) -> None:
        """Neurons behind synapses; those of the last layer that never fire are read out."""
        layer.check_entries(*ENTRIES[layer.kind], "shape", "bias", "delay", "neuron")
        synapses, provenance = synapses_of(layer, self.shape), layer.provenance
        if self._populations and layer.place <= self._last_biased:
            self.value = self._chip.add(Delay(1), self.value, name=f"{layer.name}_late", provenance=provenance)
            self.steps_kept += 1
        currents = self._currents(layer, synapses)
        shape = self._chip.type(currents[0]).shape
        _check_shape(layer, layer.sizes("shape"), shape)
        cuba = cuba_of(layer, shape)
        scale = cuba.read_scale if layer.place == self._last else None
        if cuba.threshold is None and scale is None:
            raise layer.error("neuron", "it has no neurons, and is not the last layer")
        if scale is None:
            op = cuba.spiking()
            self._add_neurons(layer, cuba, op, *currents, *self._recurrent(layer, synapses, op, currents[0]))
        else:  # neurons that never fire feed nothing back
            self._add_neurons(layer, cuba, cuba.reading(), *currents)
            self.scale, self.readout = scale, self.value
        self._add_delay(layer)

    def _currents(self, layer: NetLayer, synapses: NetSynapses) -> list[str]:
        """What arrives from the layer before: one current, or one for every delay that single synapses have."""
        name, weight = f"{layer.name}_weight", synapses.weight
        delays = _of_synapses(layer, weight.shape)
        table = {"": (self.value, weight)}
        if delays is not None:
            lines = {int(wait): self._delayed(layer, int(wait)) for wait in np.unique(delays[weight != 0])}
            table = {f"_{wait}": (line, np.where(delays == wait, weight, 0)) for wait, line in lines.items()}
        currents: list[str] = []
        for end, (source, part) in table.items():
            params = {"weight": self._chip.param(f"{layer.name}.weight{end}", part.astype(np.int16))}
            currents.append(
                self._chip.add(synapses.op, source, name=f"{name}{end}", params=params, provenance=layer.provenance)
            )
        return currents

    def _delayed(self, layer: NetLayer, steps: int) -> str:
        """What the layer reads, so many steps late."""
        if not steps:
            return self.value
        name = f"{layer.name}_late_{steps}"
        return self._chip.add(Delay(steps), self.value, name=name, provenance=layer.provenance)

    def _recurrent(self, layer: NetLayer, synapses: NetSynapses, op: IntegerNeuron, current: str) -> list[str]:
        """The current that the layer's spikes of the step before send back to it, if any."""
        if synapses.recurrent is None:
            return []
        kind = op.infer((self._chip.type(current),), {})
        before = self._chip.add(Past(layer.name, str(kind)), name=f"{layer.name}_before", provenance=layer.provenance)
        weight = {"weight": self._chip.param(f"{layer.name}.weight_rec", synapses.recurrent.astype(np.int16))}
        name = f"{layer.name}_weight_rec"
        return [self._chip.add(Linear(), before, name=name, params=weight, provenance=layer.provenance)]

    def _add_neurons(self, layer: NetLayer, cuba: Cuba, op: IntegerNeuron, *currents: str) -> None:
        params = cuba.params(self._chip, layer.name, op)
        self.value = self._chip.add(op, *currents, name=layer.name, params=params, provenance=layer.provenance)
        self._populations += 1

    def _add_delay(self, layer: NetLayer) -> None:
        """SLAYER's axonal delay, behind the neurons (netx: before them, which is the same for neurons without bias)."""
        steps = _delays(layer)
        if steps is None or steps.ndim == 2:
            return
        if steps.size == 1 and (self.shape[0] == 1 or steps.ndim == 0):
            self.value = self._chip.add(Delay(int(steps.flat[0])), self.value, name=f"{layer.name}_delay")
            return
        by_element: Array = np.broadcast_to(by_channel(layer, "delay", steps, self.shape), self.shape)
        params = {"steps": self._chip.param(f"{layer.name}.delay", by_element)}
        self.value = self._chip.add(
            Delay(), self.value, name=f"{layer.name}_delay", params=params, provenance=layer.provenance
        )

    def deployment(self) -> Deployment:
        """The finished network."""
        if not self._populations:
            raise CompileError("netx.neuron", "the network has no neurons")
        chip = self._chip.build({self.value: self.value})
        verify(chip, "quantized")
        return Deployment(self._prologue(chip), chip, self._epilogue())

    def _prologue(self, chip: Graph) -> Graph:
        """The input, passed on: spikes as they are, values to be rounded at the border."""
        builder = GraphBuilder(f"{self._name}.prologue", 0)
        (node,) = chip.inputs
        kind = node.type if node.type.domain == SPIKE else Type(node.type.shape, REAL)
        builder.add(Input(str(kind)), name=node.name, provenance=node.provenance)
        return builder.build({node.name: node.name})

    def _epilogue(self) -> Graph:
        """The output as it leaves the chip, or the means of its groups."""
        builder = GraphBuilder(f"{self._name}.epilogue", 0)
        value = builder.add(Input(str(self._chip.type(self.value))), name=self.value)
        if self._groups:
            members = prod(self.shape) // self._groups
            value = builder.add(Reshape((self._groups, members)), value, name="groups")
            value = builder.add(Sum((1,), 1 / members), value, name="mean")
            value = builder.add(Reshape((self._groups,)), value, name="average")
        graph = builder.build({"output": value})
        verify(graph, "host")
        return graph


def _unknown(layer: NetLayer) -> CompileError:
    what = f"layers of type {layer.kind!r} cannot be compiled"
    return layer.error("layer", what, hint=f"known: {', '.join(KINDS)}")


def _input_shape(layer: NetLayer, input_shape: Shape | None) -> Shape:
    """The shape of the input, as the first layer says it; `input_shape` where it does not."""
    if layer.kind == "input":
        return layer.sizes("shape")
    if layer.kind.startswith("dense") and layer.has("inFeatures"):
        return (layer.number("inFeatures"),)
    if layer.kind.startswith("dense"):
        weight = layer.whole("weight")
        return (weight.size // max(1, prod(layer.sizes("shape"))),)
    if layer.kind not in KINDS:
        raise _unknown(layer)
    if input_shape is None:
        raise layer.error(
            "input",
            "without an input layer the shape of the input is unknown",
            hint="give example inputs, or export with an Input block",
        )
    return input_shape


def _delays(layer: NetLayer) -> Array | None:
    """The delays of a layer in steps, None where there are none."""
    if not layer.has("delay") or not (steps := layer.whole("delay")).any():
        return None
    if steps.min() < 0 or steps.max() > MAX_DELAY:
        what = f"delays of {steps.min()}..{steps.max()} steps"
        raise layer.error("delay", what, hint=f"lava-dl's are 0..{MAX_DELAY}")
    return steps


def _of_synapses(layer: NetLayer, shape: Shape) -> Array | None:
    """The delays of single synapses, which netx alone knows; None where there are none."""
    steps = _delays(layer)
    if steps is None or steps.ndim < 2:
        return None
    if layer.kind != "dense" or steps.shape != shape:
        raise layer.error("delay", f"delays of shape {steps.shape} are none of its synapses, {shape}")
    return steps


def _check_shape(layer: NetLayer, stated: Shape, computed: Shape) -> None:
    """CompileError where the file states another shape of a layer; vectors are also written with axes of length 1."""
    if stated != computed and not (len(computed) == 1 and prod(stated) == computed[0]):
        raise layer.error("shape", f"the file says shape {stated}, its layers make {computed}")
