"""Integer spikes as levels: the sum of their populations is torch's rounding, at every tie, behind any reader."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ir.analysis.resources import node_resources
from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Input, Lif, Linear, Past, Synapse
from ir.passes.lower_to_synapses import lower_to_synapses

ROUNDING = {"decay": 1.0, "form": "sum", "comparator": "round", "reset": "subtract"}


def behind_halves(op: Lif, steps: int = 3, reader: bool = False) -> Graph:
    """x / 2 into the neurons, so that every other number is a tie; `reader`: neurons that count what they fire."""
    b = GraphBuilder("levels", steps)
    x = b.add(Input("graded<8>[6]"), name="x")
    s = b.add(op, b.add(Synapse(0.5), x, name="half"), name="s")
    weight = {"weight": b.param("w", np.array([[1, -1, 2, 0.5, 1, 1]], np.float32))}
    return b.build(
        {"y": b.add(Lif(0.5, threshold=0.75), b.add(Linear(), s, name="l", params=weight), name="y") if reader else s}
    )


def every_half(steps: int) -> dict[str, np.ndarray]:
    values = np.random.default_rng(0).integers(-6, 24, (steps, 40, 6))
    return {"x": values.astype(np.float32)}


@pytest.mark.parametrize("rounds", [True, False])
@pytest.mark.parametrize("most", [1, 2, 4, 8])
def test_the_sum_of_the_levels_is_torchs_rounding_at_every_tie(cmsf: SimpleNamespace, most: int, rounds: bool):
    source, inputs = behind_halves(Lif(max_spikes=most, **ROUNDING)), every_half(3)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {}, rounds=rounds)
    levels = [node for node in lowered.nodes.values() if node.op.family == "neuron"]
    assert [node.op.comparator for node in levels] == [">", ">="] * (most // 2) + [">"] * (most % 2)
    assert [node.name for node in levels] == ([f"s_{k}" for k in range(1, most + 1)] if most > 1 else ["s"])
    expected = torch.round(torch.clamp(torch.from_numpy(inputs["x"]) / 2, 0, most))
    (fired,) = interpret(lowered, inputs).values()
    np.testing.assert_array_equal(fired, expected)


def test_levels_share_their_synapses_and_readers_have_some_for_each(cmsf: SimpleNamespace):
    source = behind_halves(Lif(max_spikes=4, **ROUNDING), reader=True)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, every_half(3))
    kinds = [node.name for node in lowered.nodes.values() if node.op.family == "projection"]
    assert kinds == ["half", "l", "l_copy", "l_copy_2", "l_copy_3"]
    rows = [(row.node, row.share, row.neurons, row.synapses) for row in node_resources(lowered)]
    assert rows[:2] == [("half", "own", 0, 6), ("half", "duplicate", 0, 18)]
    assert [(name, neurons) for name, _, neurons, _ in rows if name.startswith("s_")] == [
        (f"s_{k}", 6) for k in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    "op",
    [
        Lif(0.25, form="sum", comparator="round", max_spikes=3, reset="none"),
        Lif(0.5, comparator="round", max_spikes=5, reset="none", v0=0.5),
        Lif(1.0, form="sum", comparator="round", max_spikes=3, threshold=2.0, reset="value", v_reset=0.5),
    ],
)
def test_membranes_that_are_not_reset_and_other_thresholds(cmsf: SimpleNamespace, op: Lif):
    source = behind_halves(op, steps=4)
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), every_half(4))


@pytest.mark.parametrize("rounds", [True, False])
def test_resets_of_one_step_do_not_matter(cmsf: SimpleNamespace, rounds: bool):
    op = Lif(0.75, form="sum", comparator="round", max_spikes=4, reset="subtract", reset_at="next")
    source = behind_halves(op, steps=1)
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}, rounds=rounds), every_half(1))


def test_thresholds_of_single_neurons(cmsf: SimpleNamespace):
    b = GraphBuilder("levels", 2)
    x = b.add(Input("graded<8>[6]"), name="x")
    own = {"threshold": b.param("th", np.array([1, 2, 4, 0.5, 1, 2], np.float32))}
    own["bias"] = b.param("b", np.array([0.5, 0, 1, 0, -1, 0.25], np.float32))
    op = Lif(max_spikes=4, **ROUNDING)
    source = b.build({"y": b.add(op, b.add(Synapse(0.5), x, name="half"), name="y", params=own)})
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), every_half(2))


def test_a_loop_of_integer_spikes(cmsf: SimpleNamespace):
    """Neurons that hear their own counts, and a node of the model that has the name of a level."""
    b = GraphBuilder("loop", 5)
    x = b.add(Input("graded<8>[3]"), name="x")
    past = b.add(Past("s", "graded<4>[3]"), name="s_1")
    weight = {"weight": b.param("w", np.array([[0, 1, 0.5], [-0.5, 0, 1], [1, -1, 0]], np.float32))}
    currents = [b.add(Synapse(0.5), x, name="half"), b.add(Linear(), past, name="again", params=weight)]
    s = b.add(Lif(max_spikes=4, **ROUNDING), *currents, name="s")
    source = b.build({"y": s})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = {"x": np.random.default_rng(1).integers(-4, 9, (5, 30, 3)).astype(np.float32)}
    cmsf.assert_same(source, lowered, inputs)
    assert [node.op.of for node in lowered.loops] == [f"s_level_{level}" for level in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("op", "what"),
    [
        (
            Lif(0.5, comparator="round", max_spikes=4, reset="subtract"),
            "that remembers, and takes as many thresholds from it",
        ),
        (Lif(0.5, comparator="round", max_spikes=4, reset="value"), "that remembers, and resets it"),
        (Lif(max_spikes=65, **ROUNDING), "fires up to 65 spikes per step, limit 64"),
        (Lif(max_spikes=0, **ROUNDING), "fires up to any number of spikes per step"),
    ],
)
def test_what_no_levels_can_be_is_refused_in_integers_and_stays_in_floats(cmsf: SimpleNamespace, op: Lif, what: str):
    source = behind_halves(op)
    with pytest.raises(DeployError, match=what) as caught:
        lower_to_synapses(source, cmsf.LOIHI2, {})
    assert caught.value.violations[0].rule == "lower.integer-spikes"
    assert caught.value.violations[0].hint == "use --precision float"
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {}, rounds=False)
    assert [node.op for node in lowered.nodes.values() if node.op.family == "neuron"] == [op]


def test_floats_keep_a_threshold_by_which_they_divide(cmsf: SimpleNamespace):
    """0.15 / 0.1 is 1.5 in floats: two spikes, where a level at 1.5 x 0.1 = 0.15000000000000002 would not fire."""
    op = Lif(max_spikes=4, threshold=0.1, **ROUNDING)
    lowered = lower_to_synapses(behind_halves(op), cmsf.LOIHI1, {}, rounds=False)
    assert [node.op for node in lowered.nodes.values() if node.op.family == "neuron"] == [op]
    assert len(lower_to_synapses(behind_halves(op), cmsf.LOIHI1, {}).nodes) > len(lowered.nodes)


def test_a_residual_of_integer_spikes_and_spikes(cmsf: SimpleNamespace):
    b = GraphBuilder("residual", 2)
    x = b.add(Input("graded<8>[6]"), name="x")
    s = b.add(Lif(max_spikes=2, **ROUNDING), b.add(Synapse(0.5), x, name="half"), name="s")
    t = b.add(Lif(0.5), b.add(Synapse(), x, name="one"), name="t")
    source = b.build({"y": b.add(Lif(0.5, threshold=1.5), b.add(Add(), s, t, name="both"), name="y")})
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), every_half(2), ["t"])
