"""
How populations emit: by a kernel that is prepared once and proven exact for it, or else by definition.

Everything is decided here once per plan, by `population_of`; a run only calls the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from backends.reference.kernels.device_kernels import Payloads, Spikes
from backends.reference.kernels.product import accumulator
from backends.reference.kernels.torch_neurons import burst_spikes, defined_emission, keeps_power_of_two
from backends.reference.kernels.values import Emitted
from backends.reference.kernels.weighted_products import WeightedProduct
from backends.reference.plan.execution_plan import ExecutionPlan
from backends.reference.plan.steps import Step
from backends.reference.run.parameters import DeviceParameters
from backends.reference.run.tile import EmittingPopulation, Tile
from ir.analysis.plain_neurons import plain_lif, remembers_current
from ir.analysis.weight_groups import WeightGroup
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Synapse
from ir.ops.neuron import Burst, Gate, Graded, clip_payload, payload_limits


def population_of(step: Step, parameters: DeviceParameters) -> EmittingPopulation:
    """The fastest exact way for a population to emit."""
    plan, op, plain = parameters.plan, step.node.op, plain_lif(step.node)
    if step.node.name in plan.loops:
        return LoopedPopulation(step.node.name)
    if plain is not None:
        return _spiking_population(step, plain, parameters)
    if isinstance(op, (Graded, Gate)) and plan.integer:
        return _payload_population(step, op, parameters)
    return DefinedPopulation(step, parameters, _opening_of(step, plan) if isinstance(op, Gate) else None)


class Opening(Protocol):
    """Where a gate is open."""

    def of(self, tile: Tile) -> torch.Tensor:
        """1 where it is open, else 0, (T, B, *shape)."""
        ...


@dataclass(frozen=True)
class SpikeOpening:
    """Opened by the spikes of one source, each by a unit synapse, which says just that."""

    source: str

    def of(self, tile: Tile) -> torch.Tensor:
        return tile.value(self.source)


@dataclass(frozen=True)
class CurrentOpening:
    """Opened by enabling currents of at least 1 in all."""

    enables: tuple[WeightGroup, ...]
    dtype: torch.dtype

    def of(self, tile: Tile) -> torch.Tensor:
        return (tile.total(self.enables) >= 1).to(self.dtype)


@dataclass(frozen=True)
class LoopedPopulation:
    """A population on a loop, which is computed with all of the loop."""

    name: str

    def emit(self, tile: Tile) -> Emitted:
        value = tile.value(self.name)
        return value, tile.kernels.active(value)


@dataclass(frozen=True)
class KernelPopulation:
    """A population whose neurons have a kernel."""

    terms: tuple[WeightGroup, ...]
    """The currents that add up."""
    product: WeightedProduct | None
    """The only term, where that is a product; it comes as the device makes it, for neurons that know its scale."""

    def current(self, tile: Tile) -> torch.Tensor:
        """What arrives, (T, B, *shape), by the scale of the product too small."""
        product = self.product
        if product is None:
            return tile.total(self.terms)
        return tile.arriving("unscaled", self.terms, lambda _: product.unscaled(tile.value))


@dataclass(frozen=True)
class SpikingPopulation(KernelPopulation):
    """Plain neurons."""

    neurons: Spikes

    def emit(self, tile: Tile) -> Emitted:
        return self.neurons(self.current(tile))


@dataclass(frozen=True)
class UnprovenSpikingPopulation:
    """Plain neurons whose current might wrap, which every tile is asked for: the fast kernel must not meet such a current."""

    terms: tuple[WeightGroup, ...]
    limit: int
    """The least magnitude of a current that wraps."""
    neurons: Spikes
    wrapping_neurons: Spikes

    def emit(self, tile: Tile) -> Emitted:
        current = tile.total(self.terms)
        wraps = int(current.abs().max()) >= self.limit
        return (self.wrapping_neurons if wraps else self.neurons)(current)


@dataclass(frozen=True)
class PayloadPopulation(KernelPopulation):
    """Payloads of integers; of a gate, zero where it is shut."""

    neurons: Payloads
    opening: Opening | None

    def emit(self, tile: Tile) -> Emitted:
        return self.neurons(self.current(tile), None if self.opening is None else self.opening.of(tile))


@dataclass(frozen=True)
class DefinedPopulation:
    """Neurons of the source's arithmetic, and integer ones that no kernel is for."""

    step: Step
    parameters: DeviceParameters
    opening: Opening | None

    def emit(self, tile: Tile) -> Emitted:
        value = self._value(tile)
        return value, tile.kernels.active(value)

    def _value(self, tile: Tile) -> torch.Tensor:
        node, op, plan, parameters = self.step.node, self.step.node.op, tile.plan, self.parameters
        current = tile.total(self.step.terms)
        if not isinstance(op, (Graded, Gate, Burst)):
            return defined_emission(node, current, parameters.tensors(node), plan.definition_dtype)
        bias = parameters.bias(node, plan.real_dtype)
        total = current if bias is None else current + bias
        if isinstance(op, Burst):
            return burst_spikes(op, total).to(plan.travel_dtype(node.type))
        payload = clip_payload(total, payload_limits(op, real=not plan.integer), op.shift)
        return payload if self.opening is None else payload * self.opening.of(tile)


def _spiking_population(step: Step, op: IntegerLif, parameters: DeviceParameters) -> EmittingPopulation:
    """Neurons that remember no current have a fast kernel, for currents that cannot wrap: by proof, or by a look at them."""
    kernels, shape = parameters.kernels, step.node.type.shape
    dtype = torch.float32 if keeps_power_of_two(op) else torch.float64
    own, wide = (parameters.own_numbers(op, step.node, each) for each in (dtype, torch.float64))
    limit = 1 << max(0, op.state_bits - 1 - op.shift)
    product, scale = _only_product(step.terms, parameters)
    if not remembers_current(op) and parameters.plan.bound(step.terms) < limit:
        return SpikingPopulation(step.terms, product, kernels.spikes(op, shape, own, dtype, scale))
    if remembers_current(op) or not kernels.reads_values:
        return SpikingPopulation(step.terms, product, kernels.wrapping_spikes(op, shape, wide, scale))
    fast, wrapping = kernels.spikes(op, shape, own, dtype, 1), kernels.wrapping_spikes(op, shape, wide, 1)
    return UnprovenSpikingPopulation(step.terms, limit, fast, wrapping)


def _payload_population(step: Step, op: Graded | Gate, parameters: DeviceParameters) -> EmittingPopulation:
    plan, node = parameters.plan, step.node
    dtype = accumulator(plan.bound(step.terms) + plan.largest_bias(node))
    product, scale = _only_product(step.terms, parameters)
    neurons = parameters.kernels.payloads(op, node.type.shape, parameters.bias(node, dtype), dtype, scale)
    return PayloadPopulation(step.terms, product, neurons, _opening_of(step, plan) if isinstance(op, Gate) else None)


def _only_product(terms: tuple[WeightGroup, ...], parameters: DeviceParameters) -> tuple[WeightedProduct | None, int]:
    """(the product that is all that arrives and is not shared, its scale); (None, 1) where more is to be added or routed."""
    plan, first = parameters.plan, terms[0]
    node = plan.graph.nodes[first.projections[0]]
    is_product = len(terms) == 1 and node.op.family == "projection" and first.operand in first.projections
    if not is_product or node.name in plan.loops or node.name in plan.products or node.inputs[0] in plan.contracted:
        return None, 1
    product = parameters.product(first.projections)
    return product, product.scale


def _opening_of(step: Step, plan: ExecutionPlan) -> Opening:
    """Where a gate is open: where its source spikes, if that is all that opens it."""
    first = step.enables[0]
    node = plan.graph.nodes[first.projections[0]]
    alone = len(step.enables) == 1 and first.operand == node.name
    if alone and isinstance(node.op, Synapse) and node.op.weight == 1:
        source = plan.graph.nodes[node.inputs[0]]
        if source.type.domain.kind == "spike":
            return SpikeOpening(source.name)
    return CurrentOpening(step.enables, torch.uint8 if plan.integer else plan.real_dtype)
