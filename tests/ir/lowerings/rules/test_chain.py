"""Two linear maps in a row: the cheaper of a merged matrix and relays; a matrix that is too large is none of the choices."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.analysis.resources import node_resources, resource_totals
from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.lowerings.rules import chain
from ir.ops import Conv, Input, Lif, Linear, Mul, Permute, Reshape
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.profile import CostWeights


def _weight(*shape: int) -> np.ndarray:
    return (np.random.default_rng(len(shape)).integers(-4, 9, shape) / 8).astype(np.float32)


def _network(shape: str, *layers: tuple[Op, tuple[int, ...]]) -> Graph:
    """A neuron behind linear maps of spikes, each with weights of its shape; the last map is `last`."""
    builder = GraphBuilder("chain", 2)
    value = builder.add(Input(f"spike[{shape}]"), name="x")
    for place, (op, weight) in enumerate(layers):
        params = {"weight": builder.param(f"w{place}", _weight(*weight))} if weight else {}
        name = "last" if place == len(layers) - 1 else f"layer{place}"
        value = builder.add(op, value, name=name, params=params, provenance=Provenance(f"net.{name}"))
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


CONV = Conv((1, 1), (0, 0), (1, 1))
NETWORKS = {
    "narrow": _network("64", (Linear(), (2, 64)), (Linear(), (64, 2))),
    "wide": _network("8", (Linear(), (16, 8)), (Linear(), (8, 16))),
    "image": _network("2x6x6", (CONV, (4, 2, 3, 3)), (Reshape((64,)), ()), (Linear(), (3, 64))),
    "turned": _network("4x6", (Linear(), (5, 6)), (Permute((1, 0)), ()), (Linear(), (3, 4))),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("strategy", ["merge", "relay"])
def test_costs_are_what_is_built(cmsf: SimpleNamespace, name: str, strategy: str):
    source = NETWORKS[name]
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"chain": strategy})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    counts, cost = resource_totals(node_resources(lowered)), cmsf.estimated(source, "last", strategy)
    assert sum(counts.neurons.values()) - source.nodes["y"].type.size == cost.neurons
    assert sum(counts.synapses.values()) == cost.synapses == cost.events
    assert cost.steps == 1


def _relays(lowered: Graph) -> bool:
    return any("relay" in node.name for node in lowered.nodes.values())


@pytest.mark.parametrize(
    ("name", "weights", "relay"),
    [
        ("narrow", {}, True),  # 64 x 64 synapses, or 2 x 64 x 2 and 2 neurons
        ("wide", {}, False),
        ("image", {}, False),  # 216 synapses, or 1,152 + 192 and 64 neurons
        ("narrow", {"neuron": 2000}, False),
    ],
)
def test_the_cheaper_is_taken(cmsf: SimpleNamespace, name: str, weights: dict[str, int], relay: bool):
    lowered = lower_to_synapses(NETWORKS[name], cmsf.LOIHI2, {}, CostWeights(**weights))
    assert _relays(lowered) == relay


def test_a_matrix_that_is_too_large_is_no_choice(cmsf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    source, message = (
        NETWORKS["wide"],
        "as one matrix would hold more than 63 weights(?s:.*)put neurons between the two",
    )
    monkeypatch.setattr(chain, "MAX_WEIGHTS", 63)
    assert _relays(lower_to_synapses(source, cmsf.LOIHI2, {}))
    for profile, strategies in ((cmsf.LOIHI1, {}), (cmsf.LOIHI2, {"chain": "merge"})):
        with pytest.raises(DeployError, match=message) as error:
            lower_to_synapses(source, profile, strategies)
        assert error.value.rule == "lower.chain"
        assert error.value.where == "net.last"
    monkeypatch.setattr(chain, "MAX_WEIGHTS", 64)
    assert not _relays(lower_to_synapses(source, cmsf.LOIHI2, {}))


def test_what_went_wrong_before_is_said_too(cmsf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chain, "MAX_WEIGHTS", 3)
    builder = GraphBuilder("both", 1)
    x = builder.add(Input("spike[2]"), name="x")
    weight = {"weight": builder.param("w", np.eye(2, dtype=np.float32))}
    current = builder.add(Linear(), x, name="first", params=weight)
    gated = builder.add(Mul(), current, x, name="gate", provenance=Provenance("net.gate"))
    last = builder.add(Linear(), current, name="last", params=weight, provenance=Provenance("net.last"))
    graph = builder.build({"y": builder.add(Lif(0.5), gated, name="y"), "z": builder.add(Lif(0.5), last, name="z")})
    with pytest.raises(DeployError) as error:
        lower_to_synapses(graph, cmsf.LOIHI1, {})
    assert [violation.rule for violation in error.value.violations] == ["lower.gate", "lower.chain"]
