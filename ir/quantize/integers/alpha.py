"""The integers of neurons behind two currents, a fast one subtracted from a slow one (`ir.ops.programmed.alpha`)."""

from __future__ import annotations

from ir.ops.programmed.alpha import ProgrammedAlpha
from ir.quantize.integers.integer_neurons import firing_integers, refused, spread
from ir.quantize.integers.populations import IntegerPopulation, MembranePopulation
from ir.quantize.ties.firing_rule import compared_rule


def programmed_alpha(population: MembranePopulation) -> IntegerPopulation:
    """
    The programmable chip's neurons of a population.

    A unit of v is one of the currents', so that the threshold is divided by the gain, and what a subtracting reset takes is not.

    Raises:
        CompileError: the gain is below 1, so that a reset would take more of the fast current than there is.
    """
    integers = firing_integers(population, compared_rule)
    subtracts = integers.options["reset"] == "subtract"
    least = min(float(neuron.size * neuron.factor) for neuron in population.neurons.members)
    if least < 1:
        raise refused(population.node, "gain", f"the currents' sum has a gain of {least}, below 1")
    unit = 1 << population.arithmetic.decay_bits
    back = {"back": population.neurons.per_neuron(lambda neuron: round(unit / neuron.size))} if subtracts else {}
    attributes, params = spread({**integers.constants, **back})
    options = {name: value for name, value in integers.options.items() if name != "reset_at"}
    return integers.population(ProgrammedAlpha(**attributes, **options), params, not subtracts)
