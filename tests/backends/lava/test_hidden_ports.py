"""Ports of hidden populations and membranes: what comes out is what the definition of the neuron computes inside, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.engine import LavaEngine
from backends.lava.hidden_ports import with_hidden_ports
from ir.analysis.fan_in import populations
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, IntegerLeaky, IntegerLif, Lif, RectifiedLif, Synapse
from tests.backends.lava.test_loops import two_layers


def readable(graph):
    """The populations with a membrane to read."""
    found = [node for node in populations(graph) if isinstance(node.op, (IntegerLif, Lif))]
    return [node.name for node in found if not node.op.micro]


def stepped(graph, inputs):
    """Population -> its membrane (T, B, *shape) before resets, taken step by step from the interpreter's currents."""
    values, found = {}, {}
    interpret(graph, inputs, lambda node, value: values.__setitem__(node.name, value))
    for name in readable(graph):
        node, total = graph.nodes[name], sum(values[current] for current in graph.nodes[name].inputs)
        unit, half = 1 << node.op.decay_bits, 1 << (node.op.state_bits - 1)
        u = v = np.zeros_like(total[0])
        bias, membrane = graph.arrays(node).get("bias", 0), []
        for a, s in zip(total, values[name], strict=True):
            u = np.sign(u) * (np.abs(u) * (unit - node.op.du - 1) >> node.op.decay_bits) + (a << node.op.shift)
            assert np.abs(u).max() < half, "no current wraps here"
            v = np.sign(v) * (np.abs(v) * (unit - node.op.dv) >> node.op.decay_bits) + u + bias
            v = np.clip(v, 1 - half, half - 1)
            membrane.append(v)
            v = v * (1 - s)
        found[f"{name}.v"] = np.stack(membrane)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_membranes_of_random_networks_step_by_step(seed, network, in_process):
    graph, inputs = network(900 + seed)
    names = readable(graph)
    wider = with_hidden_ports(graph, names, names)
    found, expected = in_process(wider, inputs, 1 + seed % 2), stepped(graph, inputs)
    values = interpret(wider, inputs)
    assert len(expected) > 2
    for name, membrane in expected.items():
        assert np.array_equal(found[name], membrane), name
        assert np.array_equal(values[name], membrane), name
    for output in graph.outputs:
        assert np.array_equal(found[output], interpret(graph, inputs)[output]), output


def test_membranes_of_a_loop(in_process):
    graph, _ = two_layers(9)
    inputs = {"x": (np.random.default_rng(3).random((9, 4, 4)) < 0.4).astype(np.int64)}
    wider = with_hidden_ports(graph, (), ("first", "second"))
    found = in_process(wider, inputs, 2)
    for name, membrane in stepped(graph, inputs).items():
        assert np.array_equal(found[name], membrane), name


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_they_come_out_of_ports(emission, network, between_ring_buffers):
    graph, inputs = network(305)
    name = readable(graph)[1]
    steps, batch = next(iter(inputs.values())).shape[:2]
    streams = {key: np.moveaxis(x.swapaxes(0, 1).reshape(-1, *x.shape[2:]), 0, -1) for key, x in inputs.items()}
    total, wanted = steps * batch, (name, f"{name}.v")
    late = 20
    streams = {key: np.concatenate([x, np.zeros((*x.shape[:-1], late), x.dtype)], -1) for key, x in streams.items()}
    engine = LavaEngine(graph, emission)
    found, latency = between_ring_buffers(engine, streams, wanted, total + late, spikes=[name], membranes=[name])
    expected = {**stepped(graph, inputs), **interpret(with_hidden_ports(graph, [name]), inputs)}
    for port in wanted:
        stream = np.moveaxis(found[port], -1, 0)[latency[port] : latency[port] + total]
        assert np.array_equal(stream.reshape(batch, steps, *stream.shape[1:]).swapaxes(0, 1), expected[port]), port
        assert stream.any()


def test_real_membranes_are_those_before_the_reset():
    b = GraphBuilder("real", 3)
    x = b.add(Input("spike[1]"), name="x")
    y = b.add(Lif(0.5, form="sum", threshold=1.0), b.add(Synapse(0.75), x, name="w"), name="y")
    graph = with_hidden_ports(b.build({"y": y}), (), ("y",))
    found = interpret(graph, {"x": np.ones((3, 1, 1), np.float32)})
    assert found["y.v"].ravel().tolist() == [0.75, 1.125, 0.75]
    assert found["y"].ravel().tolist() == [0, 1, 0]


def test_a_neuron_without_threshold_emits_its_membrane():
    b = GraphBuilder("leaky", 1)
    current = b.add(Synapse(3), b.add(Input("spike[2]"), name="x"), name="w")
    y = b.add(IntegerLeaky(4095, 2048, 6, 12, 24, 24), current, name="y")
    assert with_hidden_ports(b.build({"out": y}), ("y",), ("y",)).outputs == {"out": "y", "y": "y", "y.v": "y"}


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ({"spikes": ("pip",)}, "did you mean 'pop'"),
        ({"membranes": ("elsewhere",)}, "known: pop, coded, odd"),
        ({"spikes": ("x",)}, "no population 'x'"),
        ({"membranes": ("coded",)}, "micro-steps"),
        ({"membranes": ("odd",)}, "kind rectified_lif"),
        ({"spikes": ("coded",)}, "an output of another value is called 'coded'"),
    ],
)
def test_what_is_no_port_is_refused(ports, said):
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[3]"), name="x")
    current = b.add(Synapse(2), x, name="w")
    names = [
        b.add(op, current, name=name)
        for name, op in (
            ("pop", Lif(0.5)),
            ("coded", Lif(1.0, form="sum", micro=3)),
            ("odd", RectifiedLif(0.5)),
        )
    ]
    graph = b.build({"y": names[0], "z": names[1], "odd": names[2], "coded": names[0]})
    with pytest.raises(CompileError, match=r"lava\.port") as error:
        with_hidden_ports(graph, **ports)
    assert said in str(error.value)
