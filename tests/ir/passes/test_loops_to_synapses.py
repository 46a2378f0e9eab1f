"""Recurrent networks down to synapses: every lowered value equals the source's, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Delay, Input, Leaky, Lif, Linear, Past, Scale
from ir.pipeline.pipeline import lower
from ir.profile import CostWeights

STEPS, BATCH = 8, 2
RNG = np.random.default_rng(3)
W, U, M = (RNG.integers(-4, 5, shape).astype(np.float32) / 4 for shape in ((4, 3), (4, 4), (4, 4)))
B = np.array([0.5, -0.25, 0.75, 0.0], np.float32)


@dataclass(frozen=True)
class Chip:
    graded_spikes: bool = True
    programmable_neurons: bool = True


def network(kind: str, domain: str = "spike") -> Graph:
    builder = GraphBuilder("net", 0)
    param = builder.param
    x = builder.add(Input(f"{domain}[3]"), name="x")
    past = {
        "spikes": lambda: builder.add(Past("s", "spike[4]", 2), name="back"),
        "current": lambda: builder.add(Past("b", "current[4]"), name="back"),
        "affine": lambda: builder.add(Past("b", "current[4]"), name="back"),
        "delay": lambda: builder.add(Past("late", "current[4]"), name="back"),
        "leaky": lambda: builder.add(Past("l", "graded<24>[4]"), name="back"),
    }[kind]()
    a = builder.add(Linear(), x, name="a", params={"weight": param("w", W), "bias": param("bias", B)})
    s = builder.add(
        Lif(0.5, threshold=0.25),
        builder.add(Add(), a, past, name="total"),
        name="s",
        params={"v_reset": param("s.v_reset", B / 4)},
    )
    own = {"weight": param("u", U), **({"bias": param("b", B)} if kind == "affine" else {})}
    b = builder.add(Linear(), s, name="b", params=own)
    builder.add(Delay(2), b, name="late")
    leaky = builder.add(Leaky(0.25), b, name="l")
    c = builder.add(Linear(), leaky, name="c", params={"weight": param("m", M)})
    late = builder.add(
        Delay(),
        builder.add(Lif(0.5, threshold=0.25), c, name="z"),
        name="zd",
        params={"steps": param("zd.steps", np.array([0, 1, 3, 9]))},
    )
    return builder.build({"y": late, "v": leaky, "s": s, "read": builder.add(Scale(2.0), past, name="read")})


@pytest.mark.parametrize("domain", ["spike", "real"])
@pytest.mark.parametrize("kind", ["spikes", "current", "affine", "delay", "leaky"])
def test_lowered_equals_source(kind: str, domain: str):
    graph = network(kind, domain)
    x = RNG.integers(0, 2, (STEPS, BATCH, 3)).astype(np.float32)
    expected = interpret(graph, {"x": x})
    found = lower(graph, SimpleNamespace(features=Chip(), cost=CostWeights()), {})
    before = interpret(found.prologue, {"x": x})
    on_chip = interpret(found.chip, {node.name: before[node.name] for node in found.chip.inputs})
    values = {**before, **on_chip, "x": x}
    after = interpret(found.epilogue, {node.name: values[node.name] for node in found.epilogue.inputs})
    for name, value in expected.items():
        assert np.array_equal(after[name], value), name
    assert expected["s"].any()
    assert not expected["s"].all()


def test_an_analog_loop_needs_payloads():
    with pytest.raises(DeployError, match="graded"):
        lower(network("affine"), SimpleNamespace(features=Chip(graded_spikes=False), cost=CostWeights()), {})
    lower(network("current"), SimpleNamespace(features=Chip(graded_spikes=False), cost=CostWeights()), {})
