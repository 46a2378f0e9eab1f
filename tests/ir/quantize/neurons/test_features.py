"""What a neuron asks of the chip beyond its own integrator: refused by the feature's name, per neuron, with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import (
    AlphaLif,
    Burst,
    GatedFilter,
    Graded,
    Input,
    Leaky,
    Lif,
    MovingThresholdLif,
    NonlinearLif,
    Potential,
    RectifiedLif,
    RefractoryLif,
    Synapse,
)
from ir.ops.base import Op
from ir.profile import Features
from ir.quantize.network import quantize
from ir.quantize.neurons.features import check_features

LOIHI1, LOIHI2 = hw_profiles.load("loihi1"), hw_profiles.load("loihi2")
N, STEPS = 12, 60
Arrays = dict[str, np.ndarray]


def spikes(seed: int, rate: float = 0.2, steps: int = STEPS) -> Arrays:
    return {"x": (np.random.default_rng(seed).random((steps, 3, N)) < rate).astype(np.float64)}


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (Leaky(0.1), "graded_spikes"),
        (Potential(0.1), "graded_spikes"),
        (Lif(0.1, reset="subtract"), "soft_reset"),
        (Lif(0.1, reset="none"), "programmable_neurons"),
        (Lif(0.1, reset_at="next"), "programmable_neurons"),
        (Lif(0.1, max_spikes=3), "graded_spikes"),
        (MovingThresholdLif(0.1), "programmable_neurons"),
        (RefractoryLif(0.1), "programmable_neurons"),
        (AlphaLif(1.0, gain=1.5, reset_at="next"), "programmable_neurons"),
        (RectifiedLif(0.1), "programmable_neurons"),
    ],
)
def test_what_the_first_loihi_lacks_is_refused(op: Op, rule: str):
    b = GraphBuilder("net", 0)
    current = b.add(Synapse(), b.add(Input(f"spike[{N}]"), name="x"), name="s")
    graph = b.build({"y": b.add(op, current, name="y")})
    with pytest.raises(CompileError) as caught:
        quantize(graph, LOIHI1.arithmetic, spikes(0), LOIHI1.features)
    assert (caught.value.rule, caught.value.where.split()[0]) == (f"quantize.{rule}", "%y")
    quantize(graph, LOIHI2.arithmetic, spikes(0), LOIHI2.features)


def test_a_neuron_derived_from_another_does_not_lose_what_it_adds():
    class Moody(Lif):
        """Fires as it likes."""

        kind = "moody"

    b = GraphBuilder("net", 0)
    current = b.add(Synapse(), b.add(Input(f"spike[{N}]"), name="x"), name="s")
    graph = b.build({"y": b.add(Moody(0.5), current, name="y")})
    with pytest.raises(CompileError, match="moody has no integers") as caught:
        quantize(graph, LOIHI2.arithmetic, spikes(0), LOIHI2.features)
    assert (caught.value.rule, caught.value.where.split()[0]) == ("quantize.neuron", "%y")


def net(op: Op, decay: float | None = None) -> Graph:
    b = GraphBuilder("net", 0)
    current = b.add(Synapse(), b.add(Input("spike[2]"), name="x"), name="s")
    params = {} if decay is None else {"decay": b.param("d", np.array([1.0, decay]))}
    return b.build({"y": b.add(op, current, name="y", params=params)})


BARE, GRADED = Features(False, False), Features(True, False)
SOFT, PROGRAMS = Features(False, False, True), Features(False, True)
EVERYTHING = LOIHI2.features


def missing(graph: Graph, features: Features | None) -> str:
    """The feature that a neuron lacks on a chip of payloads; "" where it runs."""
    try:
        check_features(graph, LOIHI2.arithmetic, features)
    except CompileError as error:
        return error.rule.removeprefix("quantize.")
    return ""


@pytest.mark.parametrize(
    ("graph", "needs"),
    [
        (net(Lif(0.5)), ["", "", "", ""]),
        (net(Graded(24)), ["", "", "", ""]),  # the host of a later check, not of this one
        (net(Burst(2)), ["", "", "", ""]),
        (net(Leaky(0.5)), ["graded_spikes", "programmable_neurons", "graded_spikes", "graded_spikes"]),
        (net(Lif(0.5, reset="subtract")), ["soft_reset", "soft_reset", "", ""]),
        (net(Lif(0.5, reset="none")), ["programmable_neurons", "programmable_neurons", "programmable_neurons", ""]),
        (net(Lif(0.5, reset_at="next")), ["programmable_neurons", "programmable_neurons", "programmable_neurons", ""]),
        (net(Lif(0.5, max_spikes=2)), ["graded_spikes", "programmable_neurons", "graded_spikes", "graded_spikes"]),
        (net(Lif(1.0, reset="subtract")), ["", "", "", ""]),  # nothing is left of the membrane
        (net(Lif(1.0, reset="subtract"), decay=0.5), ["soft_reset", "soft_reset", "", ""]),
        (net(Lif(1.0, reset="none", form="sum")), ["", "", "", ""]),
    ],
)
def test_what_a_neuron_needs(graph: Graph, needs: list[str]):
    assert [missing(graph, features) for features in (BARE, GRADED, SOFT, PROGRAMS)] == needs
    assert missing(graph, EVERYTHING) == missing(graph, None) == ""


def test_a_refused_neuron_says_why_and_what_to_do():
    with pytest.raises(
        CompileError, match="the neuron rests after a spike, which needs programmable neurons"
    ) as caught:
        check_features(net(RefractoryLif(0.5)), LOIHI1.arithmetic, LOIHI1.features)
    assert caught.value.hint == "choose a profile with programmable neurons, or --precision float"


def test_widths_are_looked_at_even_without_features():
    narrow = replace(LOIHI2.arithmetic, payload_bits=0)
    with pytest.raises(CompileError, match="emits its membrane as a payload, which needs graded spikes") as caught:
        check_features(net(Leaky(0.5)), narrow, None)
    assert caught.value.hint == "choose a profile with graded spikes, or --precision float"
    check_features(net(Lif(0.5, reset="none")), narrow, None)


@pytest.mark.parametrize(
    ("op", "what"),
    [
        (NonlinearLif(0.1), "nonlinear_lif has no integers"),
        (GatedFilter(0.1), "gated_filter has no integers"),
        (Lif(0.1, comparator="round", max_spikes=4, reset="subtract"), "lif that rounds has no integers"),
    ],
)
def test_neurons_without_integers_are_refused_by_name(op: Op, what: str):
    b = GraphBuilder("net", 0)
    current = b.add(Synapse(), b.add(Input(f"spike[{N}]"), name="x"), name="s")
    graph = b.build({"y": b.add(op, current, name="n")})
    with pytest.raises(CompileError, match=what) as caught:
        check_features(graph, LOIHI2.arithmetic, LOIHI2.features)
    assert caught.value.rule == "quantize.neuron"
    assert caught.value.hint == "use --precision float"
