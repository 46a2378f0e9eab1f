"""Gates that are not materialised: their sums and counts against the gates themselves, and which populations are such gates."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from backends.lava.core.contracted_gates import ContractedEmission, contracted_gates
from backends.lava.core.core import Core
from backends.lava.engine import LavaEngine
from backends.lava.timing import timing_of
from ir.analysis.fan_in import populations
from ir.graph import GraphBuilder
from ir.ops import Gate, Input, Sum, Synapse
from ir.ops.integer_neuron import IntegerLif


@pytest.mark.parametrize("seed", range(60))
def test_sums_and_counts_equal_those_of_the_product(seed):
    rng = np.random.default_rng(seed)
    shape, lanes = tuple(rng.integers(1, 5, rng.integers(1, 5))), int(rng.integers(1, 4))
    cut = lambda: [n if rng.random() < 0.6 else 1 for n in shape]
    a, b = rng.integers(-3, 9, (1, lanes, *cut())), rng.integers(0, 2, (1, lanes, *cut()))
    dense = np.broadcast_to(a * b, (1, lanes, *shape))
    gates = ContractedEmission(a.astype(np.float32), b.astype(np.float32), shape)
    for count in range(len(shape) + 1):
        axes = tuple(sorted(2 + rng.permutation(len(shape))[:count]))
        found = gates.summed(axes, np.float32)
        assert np.array_equal(found, dense.sum(axis=axes, keepdims=True))
        assert found.dtype == np.float32
    for samples in range(1, lanes + 1):
        assert gates.active(samples) == np.count_nonzero(dense[:, :samples])


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(16))
def test_networks_equal_the_interpreter(seed, processes, motifs, network, expected, in_process):
    names = [motif.__name__ for motif in motifs]
    attention = motifs[names.index("scores")]
    graph, inputs = network(700 + seed, [attention, motifs[seed % len(motifs)], attention])
    outputs, values, (spikes, synaptic) = expected(graph, inputs)
    counted = []
    found = in_process(graph, inputs, processes, counted, 1 + seed % 3, all_elements=False)
    assert len(contracted_gates(graph, found)) >= 2
    for name in found:
        assert np.array_equal(found[name], outputs[name] if name in outputs else values[name]), name
    assert dict(counted[0].spikes) == spikes
    assert dict(counted[0].synaptic) == synaptic


@pytest.mark.lava
def test_an_engine_counts_the_same_with_and_without_gates(motifs, network, expected):
    graph, inputs = network(703, [next(motif for motif in motifs if motif.__name__ == "scores")] * 2)
    outputs, _, (spikes, synaptic) = expected(graph, inputs)
    everything = tuple(node.name for node in populations(graph))
    few, all_ = (LavaEngine(graph).run(inputs, probes) for probes in ((), everything))
    assert few.events == all_.events
    assert (dict(few.events.spikes), dict(few.events.synaptic)) == (spikes, synaptic)
    assert all(np.array_equal(few.outputs[name], outputs[name]) for name in outputs)
    assert all(spikes[name] for name in contracted_gates(graph, ()))


def test_a_gate_takes_no_memory(motifs, network):
    graph, _ = network(703, [next(motif for motif in motifs if motif.__name__ == "scores")])
    core = Core(graph, timing_of(graph, graph.steps), [node.name for node in populations(graph)], {})
    for _ in range(9):
        core.step()
        core.receive({name: np.ones(size) for name, size in core.sizes.items()})
    contracted = contracted_gates(graph, ())
    assert contracted
    assert all(isinstance(core.emissions[name], ContractedEmission) for name in contracted)
    assert not any(
        isinstance(core.emissions[name], ContractedEmission) for name in core.emits if name not in contracted
    )


def gate_of(op, weights=(1, 1), domain="spike", reader=None):
    """The contracted gates of a network with one candidate, and the network."""
    b = GraphBuilder("one", 3)
    a, c = b.add(Input(f"{domain}[3x2]"), name="a"), b.add(Input("spike[3x2]"), name="c")
    currents = [b.add(Synapse(weight), source, name="s") for weight, source in zip(weights, (a, c), strict=True)]
    gate = b.add(op, *currents, name="gate")
    current = b.add(reader or Sum((0,)), gate, name="sum")
    return contracted_gates(b.build({"y": b.add(IntegerLif(4095, 2048, 5, 6, 12, 24), current, name="y")}), ())


def test_neurons_that_are_taken_for_and_gates_are_and_gates():
    steps = np.array(list(product(product((0, 1), repeat=2), repeat=3)))  # (sequences, T, operands)
    a, b = steps.transpose(2, 1, 0)[..., None]
    taken = 0
    for du, dv, vth, shift in product((4095, 4094, 0), (0, 2048, 4032, 4033, 4095, 4096), (0, 1, 2), (0, 6)):
        op = IntegerLif(du, dv, vth, shift, 12, 24)
        if gate_of(op):
            taken += 1
            assert np.array_equal(op.run((a + b,), {}, 3), a * b), op
    assert taken >= 6


def test_what_is_no_product_is_materialised():
    one_spike = IntegerLif(4095, 4096, 1, 6, 12, 24)
    assert gate_of(one_spike) == {"gate"}
    assert not gate_of(one_spike, weights=(2, 1))
    assert not gate_of(one_spike, reader=Synapse(1))
    assert gate_of(Gate(8), domain="graded<8>") == {"gate"}
    assert not gate_of(Gate(8), domain="graded<9>")
    assert not gate_of(Gate(8, 1), domain="graded<8>")
    assert not gate_of(Gate(8), weights=(2, 1), domain="graded<8>")
