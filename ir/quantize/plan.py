"""What is decided about the integers of a network: of every input, projection and population, and of those so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ir.graph import Array, Node
from ir.ops.base import Op
from ir.quantize.calibrated import CalibratedNetwork
from ir.quantize.neurons.distinct import MembraneUnits
from ir.quantize.payloads import Emission, input_scale, payload_bits
from ir.quantize.report import LayerReport
from ir.quantize.units.choose_unit import Unit
from ir.quantize.weights import QuantizedArray

WIDEST = 24
"""Bits that hold any count from outside."""


@dataclass(frozen=True)
class InputPlan:
    """How values from outside arrive on the chip."""

    emission: Emission
    bits: int | None
    """Of the payload; None where spikes or counts arrive."""


@dataclass(frozen=True)
class ProjectionPlan:
    """A projection in integers."""

    unit: Unit
    weights: QuantizedArray
    magnitude: int
    """The largest sum of magnitudes that one target receives from sources of magnitude 1."""


@dataclass(frozen=True)
class PopulationPlan:
    """A population in integers, with the projections that feed it."""

    op: Op
    params: Mapping[str, Array]
    """Role -> array."""
    emission: Emission
    projections: Mapping[str, ProjectionPlan]
    constant: Array
    """What comes at every step over synapses beside the bias, in weight units; zeros where nothing does."""
    report: LayerReport
    unit: Unit
    """Of its weights."""
    membrane: MembraneUnits | None = None
    """(real value of one unit of v, real value of v = 0); None without a membrane."""


@dataclass(frozen=True)
class NetworkPlan:
    """The integers of the inputs and populations that are planned so far."""

    emissions: Mapping[str, Emission]
    """Input or population -> what its integers stand for; those of spikes, and of what loops read, before they are planned."""
    looped: Mapping[str, Emission]
    """The payload populations whose scale had to be fixed beforehand, since a loop reads them."""
    inputs: Mapping[str, InputPlan] = field(default_factory=dict[str, InputPlan])
    populations: Mapping[str, PopulationPlan] = field(default_factory=dict[str, PopulationPlan])
    projections: Mapping[str, ProjectionPlan] = field(default_factory=dict[str, ProjectionPlan])

    def with_input(self, name: str, plan: InputPlan) -> NetworkPlan:
        """The plan with one more input."""
        emissions = {**self.emissions, name: plan.emission}
        return replace(self, emissions=emissions, inputs={**self.inputs, name: plan})

    def with_population(self, name: str, plan: PopulationPlan) -> NetworkPlan:
        """The plan with one more population and its projections."""
        return replace(
            self,
            emissions={**self.emissions, name: plan.emission},
            populations={**self.populations, name: plan},
            projections={**self.projections, **plan.projections},
        )


def plan_input(network: CalibratedNetwork, node: Node) -> InputPlan:
    """Values from the host arrive as payloads, or as bias mantissas on a chip whose spikes carry none; counts as they are."""
    domain = node.type.domain
    if domain.kind != "graded":
        return InputPlan(
            Emission(1.0, max(1, domain.bound)), payload_bits(domain.bound, WIDEST) if domain.bound else None
        )
    statistics = network.statistics[node.name]
    widest = network.arithmetic.payload_bits or network.arithmetic.bias_mantissa_bits

    def sent(scale: float) -> InputPlan:
        bits = payload_bits(statistics.emitted / scale, widest)
        return InputPlan(Emission(scale, 1 << (bits - 1)), bits)

    exact = sent(statistics.quantum).emission if statistics.quantum else None
    return sent(input_scale(network.readers_scale(node.name, exact), statistics, widest))
