"""Every strategy of Q K^T V equals the product, however the model associates it, and costs what its formula says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.lowerings.table import LOWERINGS
from ir.ops import Input, Lif, MatMul, Permute, Scale
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.verify import verify

STRATEGIES = tuple(LOWERINGS["attention"])
sizes = st.fixed_dictionaries(
    {name: st.integers(1, 4) for name in ("heads", "queries", "keys", "width", "values", "steps")}
)


def _attention(
    heads: int, queries: int, keys: int, width: int, values: int, steps: int, order: str = "kv", **lif: object
) -> Graph:
    """Q (h, n, d), K (h, m, d), V (h, m, e): lif(Q K^T V / 8); `order` says which product is inner, or where a scale is."""
    builder = GraphBuilder("attention", steps)
    q = builder.add(Input(f"spike[{heads}x{queries}x{width}]"), name="q")
    k = builder.add(Input(f"spike[{heads}x{keys}x{width}]"), name="k")
    v = builder.add(Input(f"spike[{heads}x{keys}x{values}]"), name="v")
    kt = builder.add(Permute((0, 2, 1)), k, name="kt")
    provenance = Provenance("block.attn")
    if order == "kv":
        inner = builder.add(MatMul(), kt, v, name="inner", provenance=provenance)
        y = builder.add(MatMul(), q, inner, name="outer", provenance=provenance)
    else:
        inner = builder.add(MatMul(), q, kt, name="inner", provenance=provenance)
        inner = builder.add(Scale(0.5), inner, name="half", provenance=provenance) if order == "scaled" else inner
        y = builder.add(MatMul(), inner, v, name="outer", provenance=provenance)
    y = builder.add(Scale(0.125), y, name="scale", provenance=provenance)
    neuron = Lif(**{"decay": 0.5, "threshold": 0.5, **lif})  # pyright: ignore[reportArgumentType]
    return builder.build({"y": builder.add(neuron, y, name="s")})


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(
    size=sizes, order=st.sampled_from(["kv", "qk", "scaled"]), rate=st.sampled_from([0.5, 0.9]), seed=st.integers(0, 99)
)
def test_random_spikes(cmsf: SimpleNamespace, strategy: str, size: dict[str, int], order: str, rate: float, seed: int):
    source = _attention(**size, order=order, threshold=0.125)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"attention": strategy})
    verify(lowered, "synaptic")
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, rate=rate))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("comparator", [">=", ">"])
@given(size=sizes)
def test_all_ties(cmsf: SimpleNamespace, strategy: str, comparator: str, size: dict[str, int]):
    """All ones: every sum is keys x width, and the membrane meets the threshold exactly at the first step."""
    tie = 0.5 * 0.125 * size["keys"] * size["width"]
    source = _attention(**size, threshold=tie, comparator=comparator)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"attention": strategy})
    ones = cmsf.random_inputs(source, 0, rate=1.1)
    cmsf.assert_same(source, lowered, ones)
    first = interpret(lowered, ones)["y"][0]
    assert np.all(first == (1.0 if comparator == ">=" else 0.0))


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(size=sizes)
def test_neurons_and_synapses(cmsf: SimpleNamespace, strategy: str, size: dict[str, int]):
    h, n, m, d, e = (size[name] for name in ("heads", "queries", "keys", "width", "values"))
    expected = {
        "graded-a": (h * n * m * d + h * n * m + h * n * m * e, 3 * h * n * m * (d + e)),
        "graded-b": (h * d * m * e + h * d * e + h * n * d * e, 3 * h * d * e * (m + n)),
    }
    expected["time-coded"] = expected["graded-a"]
    source = _attention(**size)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"attention": strategy})
    assert cmsf.added_by(lowered, f"attention={strategy}") == expected[strategy]
    cost = cmsf.estimated(source, "outer", strategy)
    assert (cost.neurons, cost.synapses, cost.steps) == (*expected[strategy], d if strategy == "time-coded" else 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(size=sizes)
def test_events_are_those_of_a_step_of_ones(cmsf: SimpleNamespace, strategy: str, size: dict[str, int]):
    """Every synapse is of a unit map, with one source per element: what it carries is what its operand holds."""
    source = _attention(**{**size, "steps": 1})
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"attention": strategy})
    values: dict[str, np.ndarray] = {}
    ones = {name: array[:, :1] for name, array in cmsf.random_inputs(source, 0, rate=1.1).items()}
    interpret(lowered, ones, lambda node, value: values.update({node.name: value}))
    projections = [node for node in lowered.nodes.values() if node.op.family == "projection"]
    events = sum(np.count_nonzero(values[node.inputs[0]]) for node in projections)
    assert cmsf.estimated(source, "outer", strategy).events == events


def test_square_heads_cost_what_the_design_says(cmsf: SimpleNamespace):
    """N queries, M keys, D channels in h heads: 2 N M D + N M h; (N + M + 1) D d."""
    h, n, m, d = 2, 3, 5, 4
    built = {
        strategy: lower_to_synapses(_attention(h, n, m, d, d, 1), cmsf.LOIHI2, {"attention": strategy})
        for strategy in STRATEGIES
    }
    counts = {strategy: cmsf.added_by(chip, f"attention={strategy}") for strategy, chip in built.items()}
    by_scores = (2 * n * m * h * d + n * m * h, 6 * n * m * h * d)
    by_counters = ((n + m + 1) * h * d * d, 3 * (n + m) * h * d * d)
    assert counts == {"graded-a": by_scores, "graded-b": by_counters, "time-coded": by_scores}


def test_time_coding_needs_as_many_micro_steps_as_a_score_can_count(cmsf: SimpleNamespace):
    lowered = lower_to_synapses(_attention(1, 2, 3, 4, 4, 1), cmsf.LOIHI1, {})
    micro = {node.op.attributes()["micro"] for node in lowered.nodes.values() if node.op.attributes().get("micro")}
    assert micro == {4}
    assert not any(node.type.domain.kind == "graded" for node in lowered.nodes.values())
