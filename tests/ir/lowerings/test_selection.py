"""Strategies are chosen by cost among what the profile can do, or by the user; what is impossible is said in one error."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ir.errors import CompileError, DeployError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Input, Lif, Linear, MatMul, Mul
from ir.passes.lower_to_synapses import lower_to_synapses


def _attentions(tokens: int, width: int) -> Graph:
    """Two attentions, in modules enc.0 and enc.1."""
    builder = GraphBuilder("two", 1)
    outputs: dict[str, str] = {}
    for block in ("enc.0", "enc.1"):
        provenance = Provenance(f"{block}.attn")
        q, kt, v = (
            builder.add(Input(f"spike[{shape}]"), name=f"{block}.{name}")
            for name, shape in (("q", f"{tokens}x{width}"), ("kt", f"{width}x{tokens}"), ("v", f"{tokens}x{width}"))
        )
        scores = builder.add(MatMul(), q, kt, name=f"{block}.scores", provenance=provenance)
        mixed = builder.add(MatMul(), scores, v, name=f"{block}.mixed", provenance=provenance)
        outputs[block] = builder.add(Lif(0.5), mixed, name=f"{block}.lif")
    return builder.build(outputs)


def _chosen(graph: Graph, features: object, strategies: dict[str, str]) -> list[str]:
    """The strategy of each attention."""
    lowered = lower_to_synapses(graph, features, strategies)
    gates = [node for node in lowered.nodes.values() if node.name.endswith(("mixed_gate", "mixed_and"))]
    return [node.provenance.passes[-1].removeprefix("attention=") for node in gates]


@pytest.mark.parametrize(("tokens", "width", "best"), [(3, 4, "graded-a"), (4, 3, "graded-b"), (3, 3, "graded-a")])
def test_the_cheaper_order(cmsf: SimpleNamespace, tokens: int, width: int, best: str):
    assert _chosen(_attentions(tokens, width), cmsf.LOIHI2, {}) == [best, best]


def test_without_graded_spikes(cmsf: SimpleNamespace):
    assert _chosen(_attentions(3, 4), cmsf.LOIHI1, {}) == ["time-coded", "time-coded"]


def test_override_by_operation_and_by_module(cmsf: SimpleNamespace):
    graph = _attentions(3, 4)
    assert _chosen(graph, cmsf.LOIHI2, {"attention": "graded-b"}) == ["graded-b", "graded-b"]
    assert _chosen(graph, cmsf.LOIHI2, {"enc.1": "time-coded"}) == ["graded-a", "time-coded"]
    both = {"attention": "graded-b", "enc.0.attn": "time-coded"}
    assert _chosen(graph, cmsf.LOIHI2, both) == ["time-coded", "graded-b"]
    nested = {"enc": "graded-b", "enc.0": "graded-a"}
    assert _chosen(graph, cmsf.LOIHI2, nested) == ["graded-a", "graded-b"]


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ({"attention": "fast"}, "attention has no strategy 'fast'\n.*\n.*graded-a, graded-b, time-coded"),
        ({"enc.0": "fast"}, "enc.0 has no strategy 'fast'"),
        ({"softmax": "host"}, "'softmax' is neither an operation nor a module\n.*\n.*attention: graded-a, graded-b"),
        ({"enc.2": "graded-a"}, "'enc.2' is neither"),
        ({"enc.1": "duplicate"}, "nothing in enc.1 can be lowered as 'duplicate'"),
    ],
)
def test_wrong_overrides(cmsf: SimpleNamespace, strategies: dict[str, str], message: str):
    with pytest.raises(CompileError, match=message) as error:
        lower_to_synapses(_attentions(3, 4), cmsf.LOIHI2, strategies)
    assert error.value.exit_code == 2


def test_an_override_that_the_profile_cannot_run_names_every_node(cmsf: SimpleNamespace):
    with pytest.raises(
        DeployError, match="needs graded spikes, programmable neurons, which the profile lacks"
    ) as error:
        lower_to_synapses(_attentions(3, 4), cmsf.LOIHI1, {"attention": "graded-b"})
    assert [violation.where for violation in error.value.violations] == ["enc.0.attn", "enc.1.attn"]
    assert "time-coded" in error.value.hint


def test_analog_gates_need_graded_spikes_and_all_are_named(cmsf: SimpleNamespace):
    builder = GraphBuilder("gates", 1)
    x = builder.add(Input("spike[2x2]"), name="x")
    weight = {"weight": builder.param("w", cmsf.random_inputs(builder.build({"x": x}), 0)["x"][0, 0])}
    for block in ("enc.0", "enc.1"):
        current = builder.add(Linear(), x, name="linear", params=weight)
        gated = builder.add(Mul(), current, x, name="gate", provenance=Provenance(f"{block}.mlp"))
        x = builder.add(Lif(0.5), gated, name="lif")
    with pytest.raises(DeployError, match="train the model with gate='spike'") as error:
        lower_to_synapses(builder.build({"y": x}), cmsf.LOIHI1, {})
    assert [violation.where for violation in error.value.violations] == ["enc.0.mlp", "enc.1.mlp"]
    assert error.value.exit_code == 3
