"""Analog values times spikes: a graded neuron per element, with the model's own synapses as its payload."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Gate, Graded, Input, Lif, Linear, Mul
from ir.passes.lower_to_synapses import lower_to_synapses

lengths = st.integers(1, 4)


def _gated(tokens: int, width: int, hidden: int, steps: int, populations: int) -> Graph:
    """lif(W2 (lif(W0 x) * (W1 x + b))) for x the sum of some populations."""
    random, builder = np.random.default_rng(0), GraphBuilder("gated", steps)

    def matrix(name: str, *shape: int) -> str:
        return builder.param(name, (random.integers(-4, 5, shape) / 4).astype(np.float32))

    inputs = [builder.add(Input(f"spike[{tokens}x{width}]"), name=f"x{index}") for index in range(populations)]
    x = builder.add(Add(), *inputs, name="x") if populations > 1 else inputs[0]
    opening = builder.add(Linear(), x, name="opening", params={"weight": matrix("w0", hidden, width)})
    spikes = builder.add(Lif(0.5, threshold=0.25), opening, name="v")
    params = {"weight": matrix("w1", hidden, width), "bias": matrix("b1", hidden)}
    gate = builder.add(Mul(), builder.add(Linear(), x, name="payload", params=params), spikes, name="gate")
    out = builder.add(Linear(), gate, name="out", params={"weight": matrix("w2", width, hidden)})
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.25), out, name="y")})


@given(
    tokens=lengths, width=lengths, hidden=lengths, steps=lengths, populations=st.integers(1, 3), seed=st.integers(0, 99)
)
def test_gate(cmsf: SimpleNamespace, tokens: int, width: int, hidden: int, steps: int, populations: int, seed: int):
    source = _gated(tokens, width, hidden, steps, populations)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed), ["v", "gate", "y"])
    assert cmsf.added_by(lowered, "gate=graded") == (tokens * hidden, tokens * hidden)


def test_residual_inputs_duplicate_the_payload_and_the_bias_is_there_once(cmsf: SimpleNamespace):
    lowered = lower_to_synapses(_gated(2, 3, 4, 1, populations=3), cmsf.LOIHI2, {})
    gate = lowered.nodes["gate"]
    weights = [lowered.nodes[name].param("weight") for name in gate.inputs]
    assert weights == ["w1", "w1", "w1", None]
    assert gate.op == Gate(24, enables=1)
    np.testing.assert_array_equal(lowered.arrays(gate)["bias"][0], lowered.params["gate.bias"][0])


def test_a_payload_that_is_broadcast_is_sent_once(cmsf: SimpleNamespace):
    """One channel of analog values gates four: a graded relay, not four copies of the synapses."""
    builder = GraphBuilder("relay", 2)
    x = builder.add(Input("spike[3x4]"), name="x")
    weight = builder.param("w", np.array([[0.5, -0.25, 1.0, 0.75]], np.float32))
    current = builder.add(Linear(), x, name="linear", params={"weight": weight})
    source = builder.build(
        {"y": builder.add(Lif(0.5, threshold=0.25), builder.add(Mul(), current, x, name="g"), name="y")}
    )
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 3), ["g"])
    relays = [node for node in lowered.nodes.values() if isinstance(node.op, Graded)]
    assert [node.type.size for node in relays] == [3]


def test_two_analog_values_are_refused(cmsf: SimpleNamespace):
    builder = GraphBuilder("analog", 1)
    x = builder.add(Input("spike[2]"), name="x")
    weight = {"weight": builder.param("w", np.eye(2, dtype=np.float32))}
    current = builder.add(Linear(), x, name="linear", params=weight)
    source = builder.build({"y": builder.add(Lif(0.5), builder.add(Mul(), current, current, name="m"), name="y")})
    with pytest.raises(DeployError, match=r"%m: .*current") as error:
        lower_to_synapses(source, cmsf.LOIHI2, {})
    assert error.value.where == "analog", "the outermost module is named by the network"
