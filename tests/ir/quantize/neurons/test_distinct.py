"""Every distinct neuron of a population is worked out once, and each neuron knows which it is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Leaky, Lif, Potential, Synapse
from ir.ops.base import Op
from ir.quantize.neurons.distinct import distinct_neurons


def population(op: Op, **own: list[float]) -> Graph:
    b = GraphBuilder("net", 2)
    current = b.add(Synapse(), b.add(Input("spike[4]"), name="x"), name="c")
    params = {role: b.param(role, np.array(values)) for role, values in own.items()}
    return b.build({"s": b.add(op, current, name="s", params=params)})


def test_neurons_that_are_alike_are_one():
    graph = population(Lif(0.5), decay=[0.5, 0.25, 0.5, 0.5], threshold=[1.0, 1.0, 1.0, 2.0])
    neurons = distinct_neurons(graph, graph.nodes["s"])
    assert neurons is not None
    assert len(neurons.members) == 3
    assert neurons.per_neuron(lambda neuron: float(neuron.decay)).tolist() == [0.5, 0.25, 0.5, 0.5]
    assert neurons.per_neuron(lambda neuron: float(neuron.threshold)).tolist() == [2.0, 4.0, 2.0, 4.0]
    assert neurons.largest(lambda neuron: neuron.threshold) == 4
    unit, zero = neurons.in_units(Fraction(1))
    assert (np.asarray(unit).tolist(), zero) == ([0.5, 0.25, 0.5, 0.5], 0.0)


def test_a_bias_makes_no_difference_and_memoryless_payloads_have_no_membrane():
    graph = population(Lif(0.5), bias=[1.0, 2.0, 3.0, 4.0])
    neurons = distinct_neurons(graph, graph.nodes["s"])
    assert neurons is not None
    assert (len(neurons.members), neurons.in_units(Fraction(2))) == (1, (1.0, 0.0))
    assert distinct_neurons(graph, population(Graded(8)).nodes["s"]) is None


def test_membranes_that_are_emitted_have_one_scale_or_are_those_of_their_neurons():
    leaky, beside, neuron = (
        population(op, decay=[0.5, 0.25, 0.5, 0.5]) for op in (Leaky(0.5), Potential(0.5), Lif(0.5))
    )
    sizes = [
        {member.size for member in neurons.members}
        for graph in (leaky, beside, neuron)
        if (neurons := distinct_neurons(graph, graph.nodes["s"]))
    ]
    assert sizes == [{Fraction(1, 2)}, {Fraction(1, 2), Fraction(1, 4)}, {Fraction(1, 2), Fraction(1, 4)}]
