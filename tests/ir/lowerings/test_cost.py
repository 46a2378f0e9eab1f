"""Costs are compared by the profile's weights; another weight can make another strategy the cheapest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.lowerings.cost import USUAL_WEIGHTS, Cost
from ir.ops import Input, Lif, MatMul
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.profile import CostWeights

lengths = st.integers(1, 40)


def test_a_cost_is_the_weighted_sum_of_its_parts():
    weights = CostWeights(neuron=1000, synapse=100, event=10, step=1)
    assert Cost(neurons=1, synapses=2, events=3, steps=4).weighed(weights) == 1234


def _attention(n: int, d: int, m: int, e: int) -> Graph:
    builder = GraphBuilder("attention", 1)
    q, k, v = (
        builder.add(Input(f"spike[{rows}x{columns}]"), name=name)
        for name, rows, columns in (("q", n, d), ("k", d, m), ("v", m, e))
    )
    outer = builder.add(MatMul(), builder.add(MatMul(), q, k, name="inner"), v, name="outer")
    return builder.build({"y": builder.add(Lif(0.5), outer, name="y")})


def _strategies(lowered: Graph) -> set[str]:
    return {name for node in lowered.nodes.values() for name in node.provenance.passes if name.startswith("attention=")}


@pytest.mark.parametrize(
    ("weights", "cheapest"),
    [
        (USUAL_WEIGHTS, "graded-b"),  # 44 neurons, 120 synapses against 45 and 108
        (CostWeights(neuron=1), "graded-a"),
        (CostWeights(neuron=1, synapse=0), "graded-b"),
        (CostWeights(neuron=0, synapse=0, event=1), "graded-a"),
    ],
)
def test_the_weights_decide(cmsf: SimpleNamespace, weights: CostWeights, cheapest: str):
    lowered = lower_to_synapses(_attention(1, 2, 9, 2), cmsf.LOIHI2, {}, weights)
    assert _strategies(lowered) == {f"attention={cheapest}"}


@given(n=lengths, d=lengths, m=lengths, e=lengths, profile=st.sampled_from(["ideal", "loihi1", "loihi2"]))
def test_a_neuron_outweighs_the_synapses_of_an_attention(n: int, d: int, m: int, e: int, profile: str):
    """With the weights of the profiles fewer neurons are cheaper, and with as many the fewer synapses."""
    weights = hw_profiles.load(profile).cost
    a = Cost(n * m * (d + e + 1), 3 * n * m * (d + e), 3 * n * m * (d + e))
    b = Cost(d * e * (n + m + 1), 3 * d * e * (n + m), 3 * d * e * (n + m))
    assert (a.weighed(weights) < b.weighed(weights)) == ((a.neurons, a.synapses) < (b.neurons, b.synapses))
