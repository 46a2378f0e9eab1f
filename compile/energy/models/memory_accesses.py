"""
Operations with the memory that they need, after E. Lemaire et al. (ICONIP 2022, arXiv:2210.13107), constants as in their code.

    E = E_MAC MACs + E_AC ACs + sum over accesses of (memory_access + memory_access_per_bit x bits of that memory)

    theta spikes into a layer   ACs theta s, weights read theta w, spikes read theta, potentials read and written theta w each;
                                addresses: theta w ACs of a dense layer, theta taps ACs and 2 theta MACs of a convolution
    N neurons, T steps          MACs T N (leak), ACs T N (bias) + theta', biases read T N, potentials read and written T N each,
                                spikes written theta'
    an ordinary layer           one MAC per product, for which a weight is read, and an input in a convolution; in a dense layer
                                inputs are read once; biases read and results written once

w are the weights that a spike meets, outputs of a dense layer, channels x taps of a convolution; s is w, or channels x
ceil(taps / stride) along every axis. theta' are the spikes that neurons emit. A layer whose inputs do not spike is an ordinary
one, at every step unless it is static. All values are words as wide as the integers of the profile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

from compile.energy.bill import Bill, bill
from compile.energy.formula.operations import Operation, operations
from compile.energy.formula.rates import Rates
from ir.graph import Graph
from ir.ops import Conv
from ir.profile import Profile

NOT_MODELLED = ("products of two activities", "static power", "values that are kept and used again")
KINDS = ("linear", "conv")
MEMORY, DENSE = "memory", "dense with memory"


@dataclass(frozen=True)
class LayerFacts:
    """One weighted layer of the source network, per sample."""

    products: int
    """Of the ordinary layer, once."""
    weights: int
    inputs: int
    outputs: int
    met: int
    """Weights that a spike meets."""
    summed: int
    """Sums that it is added to."""
    taps: int
    """Of a kernel; 0 of a dense layer."""
    spikes: Fraction | None
    """Into the layer; None where its inputs do not spike."""
    times: Fraction
    """How often it is done where they do not."""


@dataclass(frozen=True)
class NeuronFacts:
    """One population of the source network, per sample."""

    neurons: int
    steps: Fraction
    spikes: Fraction
    """That it emits."""


@dataclass(frozen=True)
class MemoryFacts:
    """What the model is a function of."""

    layers: tuple[LayerFacts, ...] = ()
    populations: tuple[NeuronFacts, ...] = ()

    @property
    def silent(self) -> MemoryFacts:
        """The same network when nothing spikes."""
        layers = (layer if layer.spikes is None else replace(layer, spikes=Fraction(0)) for layer in self.layers)
        return MemoryFacts(tuple(layers), tuple(replace(own, spikes=Fraction(0)) for own in self.populations))

    @property
    def ordinary(self) -> MemoryFacts:
        """Its layers as those of an ordinary network, done once."""
        layers = (replace(layer, spikes=None, times=Fraction(1)) for layer in self.layers)
        return MemoryFacts(tuple(layers))


@dataclass(frozen=True)
class MemoryBills:
    """The same network, when nothing spikes, and as an ordinary one."""

    network: Bill
    silent: Bill
    dense: Bill

    def __add__(self, other: MemoryBills) -> MemoryBills:
        return MemoryBills(self.network + other.network, self.silent + other.silent, self.dense + other.dense)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {"network": self.network.plain(), "dense": self.dense.plain()}


def memory_bills(facts: MemoryFacts, profile: Profile) -> MemoryBills | None:
    """All three; None where a profile does not say how wide its integers are, or what memory costs."""
    if profile.energy.operand_bits is None or profile.energy.memory_access is None or profile.has_events:
        return None
    network, silent = (memory_bill(own, profile) for own in (facts, facts.silent))
    return MemoryBills(network, silent, memory_bill(facts.ordinary, profile, DENSE))


class _Tally:
    """Operations, and accesses by the words that a memory holds."""

    def __init__(self) -> None:
        self.macs, self.acs, self.accesses = Fraction(0), Fraction(0), dict[int, Fraction]()

    def layer(self, own: LayerFacts) -> None:
        if own.spikes is None:
            self._ordinary(own)
            return
        met = own.spikes * own.met
        self.acs += own.spikes * own.summed + (own.spikes * own.taps if own.taps else met)
        self.macs += 2 * own.spikes if own.taps else 0
        self._access((own.inputs, own.spikes), (own.weights, met), (own.outputs, 2 * met))

    def _ordinary(self, own: LayerFacts) -> None:
        self.macs += own.products * own.times
        read = own.products if own.taps else own.inputs
        reads = ((own.inputs, read), (own.weights, own.products), (own.outputs, 2 * own.outputs))
        self._access(*((words, count * own.times) for words, count in reads))

    def population(self, own: NeuronFacts) -> None:
        updates = own.neurons * own.steps
        self.macs += updates
        self.acs += updates + own.spikes
        self._access((own.neurons, 3 * updates + own.spikes))

    def _access(self, *accesses: tuple[int, Fraction]) -> None:
        for words, count in accesses:
            self.accesses[words] = self.accesses.get(words, Fraction(0)) + count


def memory_bill(facts: MemoryFacts, profile: Profile, model: str = MEMORY) -> Bill:
    """The bill of a network, spiking or ordinary, at prices that say how wide integers are."""
    width, tally = profile.quantity("energy", "operand_bits").value, _Tally()
    for layer in facts.layers:
        tally.layer(layer)
    for population in facts.populations:
        tally.population(population)
    counts = {
        "e_mac": tally.macs,
        "e_ac": tally.acs,
        "memory_access": Fraction(sum(tally.accesses.values())),
        "memory_access_per_bit": Fraction(sum(count * words * width for words, count in tally.accesses.items())),
    }
    return bill(model, counts, profile, counts, NOT_MODELLED)


def memory_facts(source: Graph, rates: Rates, steps: int | Fraction) -> MemoryFacts:
    """Of a run of the source network; `rates` from a `RateMeter`, which counts neurons, too."""
    layers = (_layer(source, each, rates, steps) for each in operations(source) if each.kind in KINDS)
    neurons = [node for node in source.nodes.values() if node.op.family == "neuron"]
    return MemoryFacts(
        tuple(layers),
        tuple(
            NeuronFacts(node.type.size, own, rates[node.name].mean * node.type.size * own)
            for node in neurons
            for own in (Fraction(node.type.steps or steps),)
        ),
    )


def _layer(source: Graph, operation: Operation, rates: Rates, steps: int | Fraction) -> LayerFacts:
    node, times = source.nodes[operation.node], Fraction(operation.times(steps))
    shape, operand = source.params[dict(node.params)["weight"]].shape, source.nodes[operation.operands[0]].type
    strides = node.op.stride if isinstance(node.op, Conv) else ()
    reached = (-(-taps // stride) for taps, stride in zip(shape[2:], strides, strict=True))
    groups = node.op.groups if isinstance(node.op, Conv) else 1
    channels = shape[0] // groups
    return LayerFacts(
        products=operation.real,
        weights=prod(shape),
        inputs=operand.size,
        outputs=node.type.size,
        met=channels * prod(shape[2:]),
        summed=channels * prod(reached),
        taps=prod(shape[2:]) if strides else 0,
        spikes=None if operation.analog else rates[operation.operands[0]].mean * operand.size * times,
        times=times,
    )
