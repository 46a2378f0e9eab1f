"""Projections that share their weights are computed as one, where that rounds nothing and nobody else reads them."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.shared_weights import shared_projections
from backends.lava.validate import magnitude_bounds
from ir.graph import GraphBuilder
from ir.ops import Gate, Input, Linear, Synapse
from ir.ops.integer_neuron import IntegerLif


@pytest.mark.parametrize("seed", range(8))
def test_residual_sums_equal_the_interpreter(seed, motifs, network, expected, in_process):
    residual, last = (next(m for m in motifs if m.__name__ == name) for name in ("residual", "plain"))
    graph, inputs = network(840 + seed, [last, residual, motifs[seed % len(motifs)], residual])
    outputs, values, (spikes, synaptic) = expected(graph, inputs)
    counted = []
    found = in_process(graph, inputs, 1 + seed % 2, counted, lanes=1 + seed % 3)
    assert shared_projections(graph, magnitude_bounds(graph))
    for name in found:
        assert np.array_equal(found[name], outputs[name] if name in outputs else values[name]), name
    assert (dict(counted[0].spikes), dict(counted[0].synaptic)) == (spikes, synaptic)


def test_real_networks_round_each_sum_by_itself(motifs, network):
    graph, _ = network(841, [next(m for m in motifs if m.__name__ == "residual")], real=True)
    assert shared_projections(graph, None) == {}


def groups(b, *currents, op=None):
    """The groups that a population of these currents has."""
    graph = b.build({"y": b.add(op or IntegerLif(4095, 2048, 9, 6, 12, 24), *currents, name="y")})
    return shared_projections(graph, magnitude_bounds(graph))


def two_currents(domain, keys=("w", "w")):
    b = GraphBuilder("pair", 2)
    sources = [b.add(Input(f"{domain}[2]"), name=name) for name in ("a", "c")]
    params = {key: b.param(key, np.array([[1, 2], [3, len(key)]], np.int8)) for key in keys}
    used = [params[key] for key in keys]
    return b, [b.add(Linear(), x, name=f"l{k}", params={"weight": used[k]}) for k, x in enumerate(sources)], sources


def test_one_product_needs_the_same_weights_and_exact_operands():
    b, currents, _ = two_currents("spike")
    assert groups(b, *currents) == {"l1": ("l0", "l1")}
    b, currents, _ = two_currents("spike", ("w", "other"))
    assert groups(b, *currents) == {}
    b, currents, _ = two_currents("graded<24>")  # two magnitudes of 2^23 are 2^24, which float32 holds
    assert groups(b, *currents) == {"l1": ("l0", "l1")}
    b, currents, _ = two_currents("graded<25>")
    assert groups(b, *currents) == {}


def test_what_is_read_twice_or_opens_a_gate_stays_apart():
    b, currents, _ = two_currents("spike")
    b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), currents[0], name="other")
    both = b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), *currents, name="y")
    reader = b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), b.add(Synapse(1), "other", name="s"), name="z")
    graph = b.build({"y": both, "z": reader})
    assert shared_projections(graph, magnitude_bounds(graph)) == {}
    b, currents, (a, _) = two_currents("spike")
    opening = b.add(Synapse(1), a, name="s")
    assert groups(b, *currents, opening, op=Gate(12)) == {"l1": ("l0", "l1")}
    b, currents, _ = two_currents("spike")
    assert groups(b, *currents, op=Gate(12)) == {}
