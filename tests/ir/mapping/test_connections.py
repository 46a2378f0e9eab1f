"""Sources and results are found through every kind of routing; what they make of loads is compared in `test_loads`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ir.graph import Graph, GraphBuilder
from ir.mapping.connections import connections_of
from ir.ops import Add, Input, Permute, Slice, Synapse
from ir.ops.integer_neuron import IntegerLif

Unroll = Callable[[Graph], Mapping[str, Any]]


def test_all_sources_are_numbered_once(chip_graph: Graph, unroll: Unroll):
    found = connections_of(chip_graph)
    starts = [found.first[name] for name in chip_graph.nodes if name in found.first]
    assert starts[0] == 1
    assert starts == sorted(starts)
    neurons = {name: len(each) for name, each in unroll(chip_graph).items()}
    assert found.sources == 1 + sum(node.type.size for node in chip_graph.inputs) + sum(neurons.values())


def test_the_projections_of_a_population_are_those_of_its_synapses(chip_graph: Graph, unroll: Unroll):
    for population, neurons in unroll(chip_graph).items():
        read = {each.projection.name for each in connections_of(chip_graph).into[population]}
        assert read == {synapse.projection for neuron in neurons for synapse in neuron}


def test_elements_are_followed_through_routing_before_and_behind_a_projection():
    builder = GraphBuilder("net", 1)
    x = builder.add(Input("spike[2x3]"), name="x")
    turned = builder.add(Permute((1, 0)), x, name="turned")
    first, last = (builder.add(Slice(0, k, k + 2), turned, name=f"cut{k}") for k in (0, 1))
    currents = [builder.add(Synapse(), value, name=f"s{k}") for k, value in enumerate((first, last))]
    both = builder.add(Add(), *currents, name="both")
    row = builder.add(Slice(1, 1, 2), both, name="row")
    graph = builder.build({"y": builder.add(IntegerLif(4095, 0, 1, 6, 12, 24), row, name="y")})
    one, other = connections_of(graph).into["y"]
    assert [each.projection.name for each in (one, other)] == ["s0", "s1"]
    assert one.sources.tolist() == [1, 4, 2, 5]
    assert other.sources.tolist() == [2, 5, 3, 6]
    assert one.results.tolist() == other.results.tolist() == [1, 3]
