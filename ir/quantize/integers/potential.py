"""The integers of what emits the membrane of a threshold neuron: those of that neuron, which takes the same steps."""

from __future__ import annotations

from ir.errors import CompileError
from ir.graph import Node
from ir.ops.float_neurons.potential import Potential
from ir.ops.integer_neuron import IntegerPotential
from ir.ops.neuron import Lif
from ir.quantize.integers.integer_neurons import firing_integers, most_spikes, spread
from ir.quantize.integers.populations import IntegerPopulation, MembranePopulation
from ir.quantize.neurons.distinct import DistinctNeurons
from ir.quantize.ties.firing_numbers import FiringNumbers
from ir.quantize.ties.firing_rule import FiringRule, compared_rule, firing_rule


def integer_potential(population: MembranePopulation, node: Node, bits: int, right: int) -> IntegerPopulation:
    """
    The chip's neurons that emit v >> right as payloads of `bits` bits, and fire where the population's own do.

    Args:
        population: of the neuron whose membrane `node` emits.

    Raises:
        CompileError: one scale does not make real membranes of all neurons' integers, or zero is not zero.
    """
    _check_readable(node, population.neurons)
    op = population.node.op
    assert isinstance(op, Lif)
    assert isinstance(node.op, Potential)
    integers = firing_integers(population, _rule_of)
    attributes, params = spread(integers.constants)
    theta = integers.constants.get("theta")
    spikes = 1 if theta is None else most_spikes(op, theta, population.arithmetic)
    emitted = IntegerPotential(
        **attributes, **integers.options, max_spikes=spikes, bits=bits, right=right, moment=node.op.moment
    )
    return integers.population(emitted, params, not right)


def _check_readable(node: Node, neurons: DistinctNeurons) -> None:
    sizes, zeros = ({getattr(member, name) for member in neurons.members} for name in ("size", "zero"))
    if len(sizes) > 1 or zeros != {0}:
        reset = float(next(iter(zeros - {0}), 0))
        reason = "its neurons differ in their gain" if len(sizes) > 1 else f"it is counted from {reset}, its reset"
        what, where = f"the membrane cannot be emitted as a payload: {reason}", f"%{node.name}  {node.provenance}"
        raise CompileError("quantize.potential", what, where=where, hint="reset it to 0, or use --precision float")


def _rule_of(numbers: FiringNumbers, can_be_exact: bool) -> FiringRule:
    """The rule of the neuron; where that is exact, the source's own comparison, whose bias is not changed to keep ties."""
    fired, compared = firing_rule(numbers, can_be_exact, True), compared_rule(numbers, can_be_exact)
    return compared if fired.exact and compared.exact else fired
