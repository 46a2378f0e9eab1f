"""The mapped emission: a process per core, each with its own neurons and weights, fires as the reference does."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.emit.mapped import emit_mapped
from backends.lava.engine import LavaEngine
from backends.lava.timing import timing_of
from backends.reference.engine import ReferenceEngine
from ir.analysis.fan_in import populations
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.mapping.core_map import CoreMap
from ir.mapping.cut_graph import cut_graph
from ir.ops import Input, Linear, Past
from ir.ops.integer_neuron import IntegerLif


def drawn_map(graph: Graph, seed: int, cores: int) -> CoreMap:
    """A core for every neuron, as no map would have it."""
    rng = np.random.default_rng(seed)
    core_of = {node.name: rng.integers(0, cores, node.op.neurons(node.type)) for node in populations(graph)}
    return CoreMap(core_of, np.stack([np.zeros(cores), np.arange(cores), np.zeros(cores)], axis=1).astype(np.int32))


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(6))
def test_random_networks_on_random_cores_fire_as_the_reference(seed, network):
    graph, inputs = network(700 + seed)
    names = tuple(node.name for node in populations(graph))
    cores = drawn_map(graph, seed, 2 + seed % 3)
    found = LavaEngine(graph, "mapped", cores=cores, lanes=1 + seed % 2).run(inputs, names)
    wanted = ReferenceEngine(graph, "cpu").run(inputs, names)
    for name in names:
        assert np.array_equal(found.emissions[name], wanted.emissions[name]), name
    for name in graph.outputs:
        assert np.array_equal(found.outputs[name], wanted.outputs[name]), name
    assert found.events == wanted.events
    assert sum(bool(found.emissions[name].any()) for name in names) > 1


def test_a_core_is_a_process_with_what_the_map_gives_it(network):
    graph, _ = network(703)
    cores = drawn_map(graph, 0, 3)
    cut = cut_graph(graph, cores.core_of)
    parts = emit_mapped(cut, timing_of(cut.graph, graph.steps), {}).parts
    assert set(parts) <= {"core0", "core1", "core2", "readout", "tie"}
    for core in range(3):
        emits = set(parts[f"core{core}"].worker.core.emits)
        assert emits == {share.name for shares in cut.shares.values() for share in shares if share.core == core}


def recurrent() -> Graph:
    builder, rng = GraphBuilder("ring", 3), np.random.default_rng(0)
    weight = {"weight": builder.param("w", rng.integers(-9, 9, (4, 4)).astype(np.int8))}
    x = builder.add(Linear(), builder.add(Input("spike[4]"), name="x"), name="c", params=weight)
    own = builder.add(Linear(), builder.add(Past("out", "spike[4]"), name="before"), name="own", params=weight)
    return builder.build({"y": builder.add(IntegerLif(4095, 0, 5, 6, 12, 24), x, own, name="out")})


@pytest.mark.lava
def test_loops_run_on_one_core_and_are_refused_on_several():
    graph = recurrent()
    inputs = {"x": np.random.default_rng(1).integers(0, 2, (3, 2, 4))}
    one = LavaEngine(graph, "mapped", cores=drawn_map(graph, 0, 1)).run(inputs, ("out",))
    assert np.array_equal(one.emissions["out"], ReferenceEngine(graph, "cpu").run(inputs, ("out",)).emissions["out"])
    with pytest.raises(CompileError, match="the loop of %out goes over 2 cores") as caught:
        LavaEngine(graph, "mapped", cores=drawn_map(graph, 0, 2))
    assert caught.value.rule == "lava.mapped"


@pytest.mark.lava
def test_maps_of_more_cores_than_processes_are_refused(network):
    graph, _ = network(3)
    cores = drawn_map(graph, 0, 2)
    with pytest.raises(CompileError, match="the map has 257 cores"):
        LavaEngine(graph, "mapped", cores=CoreMap({**cores.core_of, "pop": np.full(12, 256)}, cores.places))


@pytest.mark.lava
def test_real_networks_are_refused(network):
    graph, _ = network(3, real=True)
    with pytest.raises(CompileError, match="mapped processes compute in integers"):
        LavaEngine(graph, "mapped", cores=drawn_map(graph, 0, 2))
