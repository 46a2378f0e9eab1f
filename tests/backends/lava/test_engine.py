"""Both emissions under Lava's own runtime equal the interpreter: every population, every step, every event."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from backends.lava.engine import LavaEngine
from ir.analysis.fan_in import populations
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Add, Input, Linear, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

pytestmark = pytest.mark.lava

MOTIF_COUNT = 10


def check(engine, graph, inputs, expected):
    """Run and compare everything; return the values that were compared."""
    outputs, values, (spikes, synaptic) = expected(graph, inputs)
    probes = [node.name for node in (*graph.inputs, *populations(graph))]
    trace = engine.run(inputs, tuple(probes))
    for name in probes:
        assert np.array_equal(trace.emissions[name], values[name]), name
    for name, value in outputs.items():
        assert np.array_equal(trace.outputs[name], value), name
    assert dict(trace.events.spikes) == spikes
    assert dict(trace.events.synaptic) == synaptic
    steps, batch = next(iter(inputs.values())).shape[:2]
    assert (trace.events.samples, trace.events.steps) == (batch, steps)
    sizes = {node.name: node.type.size for node in populations(graph)}
    assert trace.events.updates == {name: size * steps * batch for name, size in sizes.items()}
    return values


@pytest.mark.parametrize("emission", ["fused", "stock"])
@pytest.mark.parametrize("motif", range(MOTIF_COUNT))
def test_every_motif_equals_the_interpreter(motif, emission, motifs, network, expected):
    graph, inputs = network(70 + motif, [motifs[motif], motifs[0], motifs[motif]])
    values = check(LavaEngine(graph, emission), graph, inputs, expected)
    assert sum(bool(values[node.name].any()) for node in populations(graph)) > 2


def test_the_table_of_motifs_is_complete(motifs):
    assert len(motifs) == MOTIF_COUNT


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_random_networks_in_any_number_of_processes(seed, processes, network, expected):
    graph, inputs = network(200 + seed)
    check(LavaEngine(graph, processes=processes, lanes=1 + seed % 3), graph, inputs, expected)


@pytest.mark.parametrize("seed", range(4))
def test_random_networks_in_stock_processes(seed, network, expected):
    graph, inputs = network(300 + seed)
    check(LavaEngine(graph, "stock"), graph, inputs, expected)


@pytest.mark.parametrize("seed", range(8))
def test_real_arithmetic_equals_the_interpreter(seed, network, expected):
    graph, inputs = network(430 + seed, real=True)
    values = check(LavaEngine(graph), graph, inputs, expected)
    assert sum(bool(values[node.name].any()) for node in populations(graph)) > 1


@pytest.mark.parametrize(("emission", "lanes"), [("fused", 1), ("fused", 2), ("fused", None), ("stock", None)])
def test_a_streaming_network_takes_its_length_from_the_input(emission, lanes, expected, streaming_network):
    graph = streaming_network
    inputs = {"x": (np.random.default_rng(0).random((17, 3, 6)) < 0.3).astype(np.int64)}
    values = check(LavaEngine(graph, emission, lanes=lanes), graph, inputs, expected)
    assert 0.05 < values["second"].mean() < 0.95


@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_outputs_may_share_a_population_or_be_an_input(emission, expected):
    b = GraphBuilder("odd", 2)
    x = b.add(Input("spike[2x3]"), name="x")
    current = b.add(Synapse(3), x, name="s")
    y = b.add(IntegerLif(4095, 2048, 8, 6, 12, 24), current, current, name="y")
    lonely = b.add(IntegerLif(4095, 2048, 8, 6, 12, 24), b.add(Synapse(0), x, name="nothing"), name="lonely")
    graph = b.build({"one": y, "other": y, "input": x, "lonely": lonely})
    inputs = {"x": (np.random.default_rng(2).random((2, 4, 2, 3)) < 0.7).astype(np.int64)}
    values = check(LavaEngine(graph, emission), graph, inputs, expected)
    assert 0 < values["y"].mean() < 1


@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_sums_of_more_spikes_than_a_byte_holds_are_whole(emission, expected):
    b = GraphBuilder("many", 1)
    x = b.add(Input("spike[2]"), name="x")
    y = b.add(IntegerLif(4095, 0, 1, 6, 12, 24), b.add(Synapse(64), x, name="s"), name="y")
    graph = b.build({"sum": b.add(Add(), *[y] * 256, name="sum")})
    inputs = {"x": np.array([[[0, 1], [1, 0]]])}
    assert LavaEngine(graph, emission).run(inputs).outputs["sum"].tolist() == [[[0, 256], [256, 0]]]
    check(LavaEngine(graph, emission), graph, inputs, expected)


def test_results_have_the_documented_types(network):
    graph, inputs = network(7, real=False)
    trace = LavaEngine(graph).run(inputs, ("first", "amount", "pop"))
    assert [trace.emissions[name].dtype for name in ("first", "amount", "pop")] == [np.uint8, np.int32, np.uint8]
    assert trace.outputs["sum"].dtype == np.uint8
    assert trace.outputs["turned"].shape == (*inputs["first"].shape[:2], 4, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: {**x, "first": x["first"] * 2}, "integers from 0 to 1"),
        (lambda x: {**x, "amount": x["amount"] + 0.5}, "integers from -8388608 to 8388607"),
        (lambda x: {**x, "amount": x["amount"] + (1 << 23)}, "integers from -8388608 to 8388607"),
        (lambda x: {**x, "amount": x["amount"] * np.nan}, "not finite"),
        (lambda x: {**x, "amount": x["amount"][:, :, :1]}, "needs (T, B, 3, 4)"),
        (lambda x: {**x, "amount": np.concatenate([x["amount"]] * 2, axis=1)}, "cannot run together"),
        (lambda x: {**x, "amount": np.concatenate([x["amount"]] * 2)}, "the window has"),
        (lambda x: {"first": x["first"]}, "the network has amount, first, second"),
        (lambda x: {name: value[:, :0] for name, value in x.items()}, "cannot run together"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_starts(change, message, network):
    graph, inputs = network(4)
    with pytest.raises(CompileError, match=r"lava\.input") as error:
        LavaEngine(graph).run(change(inputs))
    assert message in str(error.value)


def test_a_run_of_no_length_is_refused(streaming_network):
    with pytest.raises(CompileError, match=r"lava\.input(.|\n)*0 steps"):
        LavaEngine(streaming_network).run({"x": np.zeros((0, 1, 6), np.int64)})
    b = GraphBuilder("alone", 0)
    current = b.add(Synapse(1), b.add(Past("y", "spike[2]"), name="back"), name="s")
    graph = b.build({"y": b.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="y")})
    with pytest.raises(CompileError, match=r"lava\.input(.|\n)*no inputs"):
        LavaEngine(graph).run({})


def test_unknown_names_are_refused_with_what_is_known(network):
    graph, inputs = network(4)
    with pytest.raises(CompileError, match=r"lava.probe.*'nobody'(.|\n)*known: pop, "):
        LavaEngine(graph).run(inputs, ("nobody",))
    with pytest.raises(CompileError, match=r"lava.emission(.|\n)*known: fused, stock"):
        LavaEngine(graph, "fast")
    with pytest.raises(CompileError, match=r"lava.emission(.|\n)*real arithmetic"):
        LavaEngine(network(4, real=True)[0], "stock")


def test_sums_beyond_exact_arithmetic_are_refused():
    b = GraphBuilder("huge", 1)
    x = b.add(Input("graded<32>[2]"), name="x")
    weight = b.param("w", np.full((1, 2), 1 << 22, np.int64))
    y = b.add(IntegerLif(4095, 0, 1, 6, 12, 24), b.add(Linear(), x, name="l", params={"weight": weight}), name="y")
    with pytest.raises(CompileError, match=r"lava\.range"):
        LavaEngine(b.build({"y": y})).run({"x": np.full((1, 1, 2), (1 << 31) - 1)})


@pytest.mark.parametrize(
    ("weight", "said"),
    [(np.array([[0.5]]), "weight is of type float64"), (np.array([[np.nan]]), "not finite"), (1.5, "weight is 1.5")],
)
def test_numbers_that_are_no_integers_are_refused(weight, said):
    b = GraphBuilder("real", 1)
    x = b.add(Input("spike[1]"), name="x")
    if isinstance(weight, float):
        current = b.add(Synapse(weight), x, name="l")
    else:
        current = b.add(Linear(), x, name="l", params={"weight": b.param("w", weight)})
    with pytest.raises(CompileError, match=r"lava\.parameter") as error:
        LavaEngine(b.build({"y": b.add(IntegerLif(4095, 0, 1, 6, 12, 24), current, name="y")}))
    assert said in str(error.value)


def test_a_run_leaves_loggers_and_lavas_list_of_processes_as_they_were(network):
    from lava.magma.core.process.process import ProcessServer

    graph, inputs = network(4)
    handlers, count = list(logging.getLogger().handlers), ProcessServer().num_processes
    LavaEngine(graph).run(inputs)
    LavaEngine(graph, "stock").run(inputs)
    assert logging.getLogger().handlers == handlers
    assert ProcessServer().num_processes == count
