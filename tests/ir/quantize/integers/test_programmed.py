"""Adaptive, refractory and rectified neurons in integers: exact where they say so, close elsewhere, proven to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hw_profiles
from ir.analysis.limits import violations
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, Lif, Linear, MovingThresholdLif, ProgrammedLif, RectifiedLif, RefractoryLif
from ir.quantize.network import quantizable, quantize
from ir.quantize.report import LayerReport
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
N, SAMPLES = 24, 16
Arrays = Mapping[str, Any]

SHARED: dict[str, Any] = {
    "decay": st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    "gain": st.sampled_from([1.0, 0.5, -2.0]),
    "form": st.sampled_from(["sum", "euler"]),
    "threshold": st.sampled_from([0.5, 1.0, 2.25]),
    "comparator": st.sampled_from([">", ">="]),
    "reset": st.sampled_from(["value", "subtract", "none"]),
    "v_reset": st.sampled_from([0.0, -0.25]),
}
CURRENTS: dict[str, Any] = {
    "current_decay": st.sampled_from([1.0, 0.5, 0.25]),
    "order": st.sampled_from(["current_first", "membrane_first"]),
}
ADAPTIVE = st.builds(
    MovingThresholdLif,
    **SHARED,
    **CURRENTS,
    reset_at=st.sampled_from(["spike", "next"]),
    adapt_decay=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    adapt_jump=st.sampled_from([0.125, 1.0, -0.25, 0.3]),
    adapt_start=st.sampled_from([0.0, 0.5, -0.25, 0.3]),
)
MOVING = st.builds(
    MovingThresholdLif,
    **{**SHARED, "reset": st.just("subtract")},
    **CURRENTS,
    reset_at=st.sampled_from(["spike", "next"]),
    adapt_decay=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    adapt_jump=st.sampled_from([0.125, 1.0, -0.25, 0.3]),
    adapt_start=st.sampled_from([0.0, 0.5, -0.25, -3.0]),
    adapt_reset=st.just("moving"),
)
RESTING = st.builds(RefractoryLif, **SHARED, **CURRENTS, rest=st.sampled_from([1.0, 2.0, 2.5]))
RECTIFIED = st.builds(
    RectifiedLif,
    **SHARED,
    scale=st.sampled_from([1.0, 0.5, 1.3]),
    kept=st.sampled_from(["scaled", "unscaled"]),
    floor=st.sampled_from([0.0, -0.5, -0.3]),
)


def layer(op: Lif, steps: int, seed: int, bias: bool, unit: float = 1 / 16) -> tuple[Graph, Arrays]:
    """One population of weights on a grid, some of which lead to the threshold exactly."""
    rng, b = np.random.default_rng(seed), GraphBuilder("net", steps, dtype="float64")
    weight = rng.integers(-20, 40, (N, N)) * (rng.random((N, N)) < 0.2) * unit
    x = b.add(Input(f"spike[{N}]"), name="x")
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)})
    params = {"bias": b.param("b", rng.integers(-8, 9, N) * unit)} if bias else {}
    b.add(op, current, name="s", params=params)
    return b.build({"s": "s"}), {"x": (rng.random((steps or 30, SAMPLES, N)) < 0.4).astype(np.float64)}


def rounded(graph: Graph, inputs: Arrays) -> tuple[Graph, LayerReport, Any, Any]:
    """The integer network, its report, its spikes, and those of the floats."""
    chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
    verify(chip, "quantized")
    assert not violations(chip, LOIHI2)
    ours = interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"]
    return chip, report.layers[-1], ours, interpret(graph, inputs)["s"]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.one_of(ADAPTIVE, MOVING, RESTING, RECTIFIED), st.integers(0, 5), st.integers(0, 99), st.booleans())
def test_what_is_called_exact_is_equal(op: Lif, steps: int, seed: int, bias: bool):
    graph, inputs = layer(op, steps, seed, bias)
    try:
        _, report, ours, floats = rounded(graph, inputs)
    except CompileError as error:
        assume(error.rule not in ("quantize.threshold", "quantize.range", "quantize.bias", "quantize.decay"))
        raise
    if report.exact:
        assert np.array_equal(ours, floats)
    else:
        assert np.mean(ours != floats) < 0.05


MOVED: dict[str, Any] = {"adapt_reset": "moving"}
EXACT: list[Lif] = [
    *(
        MovingThresholdLif(0.5, gain=2.0, adapt_decay=d, adapt_jump=0.5, comparator=c)
        for d in (0.0, 0.25, 0.5)
        for c in (">", ">=")
    ),
    MovingThresholdLif(
        0.5, current_decay=0.5, order="membrane_first", adapt_decay=0.5, adapt_jump=0.25, comparator=">"
    ),
    MovingThresholdLif(0.25, form="sum", reset="subtract", reset_at="next", adapt_decay=1.0, adapt_jump=0.75),
    *(
        MovingThresholdLif(
            0.5, gain=2.0, reset="subtract", reset_at=at, adapt_decay=d, adapt_jump=0.5, adapt_start=a, **m
        )
        for at in ("spike", "next")
        for d, a, m in ((0.0, 1.0, MOVED), (0.5, 0.0, MOVED), (0.5, -0.25, MOVED), (0.5, 2.0, {}))
    ),
    *(RefractoryLif(d, gain=4.0, rest=r, comparator=">") for d in (0.25, 0.5) for r in (1.0, 2.5)),
    RefractoryLif(0.5, gain=2.0, current_decay=0.5, rest=2.0, reset="subtract"),
    *(RectifiedLif(0.5, gain=2.0, scale=k, kept=kept) for k in (1.0, 0.5, 2.0) for kept in ("scaled", "unscaled")),
    RectifiedLif(0.5, form="sum", scale=1.5, threshold=1.5, reset="subtract"),
]


@pytest.mark.parametrize("place", range(len(EXACT)))
@pytest.mark.parametrize("steps", [2, 4])
def test_neurons_on_a_grid_are_exact(place: int, steps: int):
    op, ties = EXACT[place], 0
    for seed in range(3):
        graph, inputs = layer(op, steps, seed, bias=False)
        chip, report, ours, floats = rounded(graph, inputs)
        assert (report.exact, report.ties) == (True, "" if op.comparator == ">" else "comparator")
        assert np.array_equal(ours, floats)
        assert floats.any()
        assert isinstance(chip.nodes["s"].op, ProgrammedLif)
        other = replace(op, comparator=">=" if op.comparator == ">" else ">")
        ties += np.count_nonzero(floats != interpret(layer(other, steps, seed, bias=False)[0], inputs)["s"])
    assert ties


TYPICAL: dict[str, tuple[Lif, Arrays]] = {
    "LSNN": (
        MovingThresholdLif(0.1, gain=4.0, current_decay=0.2, order="membrane_first", comparator=">"),
        {"adapt_decay": np.linspace(0.001, 0.1, N), "adapt_jump": np.linspace(0.1, 1.8, N)},
    ),
    "resting": (
        RefractoryLif(0.1, gain=4.0, current_decay=0.2, comparator=">"),
        {"rest": np.arange(N) % 6, "bias": np.linspace(-0.1, 0.2, N)},
    ),
    "KLIF": (RectifiedLif(0.5, gain=2.0, v_reset=-0.2, leak=-0.2), {"scale": np.linspace(0.7, 1.6, N)}),
    "KLIF, v / k": (
        RectifiedLif(0.1, gain=3.0, kept="unscaled", reset="subtract"),
        {"scale": np.linspace(0.7, 1.6, N)},
    ),
}


@pytest.mark.parametrize("name", TYPICAL)
@pytest.mark.parametrize("steps", [0, 100])
def test_typical_neurons_keep_their_spikes(name: str, steps: int):
    """Measured against floats of the chip's weights: what eight bits of weight lose is no matter of the neuron."""
    op, own = TYPICAL[name]
    rng, b = np.random.default_rng(4), GraphBuilder("net", steps, dtype="float64")
    current = b.add(
        Linear(),
        b.add(Input(f"spike[{N}]"), name="x"),
        name="fc",
        params={"weight": b.param("w", rng.normal(0.02, 0.3, (N, N)))},
    )
    b.add(op, current, name="s", params={role: b.param(role, array) for role, array in own.items()})
    inputs = {"x": (rng.random((100, SAMPLES, N)) < 0.3).astype(np.float64)}
    graph = b.build({"s": "s"})
    chip, report, ours, _ = rounded(graph, inputs)
    apart = quantizable(graph, LOIHI2.arithmetic, LOIHI2.features)
    weights = {apart.nodes["fc"].param("weight"): chip.arrays(chip.nodes["fc"])["weight"] * report.unit}
    floats = interpret(replace(apart, params={**apart.params, **weights}), inputs)["s"]
    kept, lost, added = (np.count_nonzero(both) for both in (ours * floats, floats > ours, ours > floats))
    assert kept > 1000
    assert max(lost, added) < 0.02 * kept, (kept, lost, added)
    assert set(dict(chip.nodes["s"].params)) & {*own, "floor", "dv", "vth"}


@pytest.mark.parametrize(("jump", "steps", "shift"), [(0.5, 0, 0), (300.0, 100, 1), (20000.0, 0, 2)])
def test_large_adaptations_are_kept_in_coarser_units(jump: float, steps: int, shift: int):
    op = MovingThresholdLif(0.0, form="sum", adapt_jump=jump, comparator=">")
    chip, _, ours, floats = rounded(*layer(op, steps, 0, bias=False))
    found = chip.nodes["s"].op
    assert isinstance(found, ProgrammedLif)
    assert found.adapt_shift >= shift
    assert found.adapt_jump < 1 << 23
    assert np.array_equal(ours, floats)


def test_what_no_width_holds_is_refused_with_the_reason():
    falling = MovingThresholdLif(0.5, adapt_jump=-0.1)
    with pytest.raises(CompileError, match="spikes lower its threshold") as caught:
        rounded(*layer(falling, 0, 0, bias=False))
    assert caught.value.rule == "quantize.range"
    with pytest.raises(CompileError, match="rests for 8388608 steps"):
        rounded(*layer(RefractoryLif(0.5, rest=float(1 << 23)), 2, 0, bias=False))
    with pytest.raises(CompileError, match="for a scale of 3"):
        rounded(*layer(RectifiedLif(0.5, scale=3.0), 2, 0, bias=False))
