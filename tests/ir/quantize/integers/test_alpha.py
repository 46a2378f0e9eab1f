"""Neurons behind two currents in integers: exact where they say so, close elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import AlphaLif, Input, Linear, ProgrammedAlpha
from ir.quantize.network import quantize
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
N = 24
OPTIONS: dict[str, Any] = {"decay": 1.0, "form": "sum", "reset_at": "next", "comparator": ">"}


def layer(op: AlphaLif, steps: int, unit: float = 1 / 16, **own: Any) -> tuple[Graph, dict[str, Any]]:
    rng, b = np.random.default_rng(steps), GraphBuilder("net", steps, dtype="float64")
    weight = rng.integers(-20, 60, (N, N)) * (rng.random((N, N)) < 0.2) * unit
    x = b.add(Input(f"spike[{N}]"), name="x")
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)})
    b.add(op, current, name="s", params={role: b.param(role, array) for role, array in own.items()})
    return b.build({"s": "s"}), {"x": (rng.random((steps or 60, 16, N)) < 0.4).astype(np.float64)}


def rounded(graph: Graph, inputs: dict[str, Any]) -> tuple[Graph, Any, Any, Any]:
    chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
    verify(chip, "quantized")
    assert isinstance(chip.nodes["s"].op, ProgrammedAlpha)
    floats = interpret(graph, inputs)["s"]
    return chip, report.layers[-1], interpret(chip, {"x": inputs["x"].astype(np.int64)})["s"], floats


@pytest.mark.parametrize("reset", ["value", "none"])
@pytest.mark.parametrize(("slow", "fast"), [(0.5, 0.25), (0.75, 0.5), (0.75, 0.0), (1.0, 0.5)])
@pytest.mark.parametrize("bias", [0.0, 0.25])
def test_decays_on_a_grid_are_exact(reset: str, slow: float, fast: float, bias: float):
    op = AlphaLif(**OPTIONS, keep_slow=slow, keep_fast=fast, gain=2.0, threshold=0.5, reset=reset)
    graph, inputs = layer(op, 3, bias=np.full(N, bias))
    _, report, ours, floats = rounded(graph, inputs)
    assert report.exact
    assert floats.any()
    assert np.array_equal(ours, floats)


@pytest.mark.parametrize("reset", ["value", "none", "subtract"])
@pytest.mark.parametrize("steps", [0, 40])
def test_other_decays_keep_their_spikes(reset: str, steps: int):
    op = AlphaLif(**OPTIONS, keep_slow=0.9, keep_fast=0.8, gain=1.9, threshold=1.0, reset=reset)
    own = {"keep_fast": np.linspace(0.3, 0.8, N), "gain": np.linspace(1.2, 2, N), "bias": np.linspace(-0.1, 0.1, N)}
    _, _, ours, floats = rounded(*layer(op, steps, **own))
    kept, lost, added = (np.count_nonzero(both) for both in (ours * floats, floats > ours, ours > floats))
    assert kept > 1000
    assert max(lost, added) < 0.04 * kept, (kept, lost, added)


def test_a_gain_below_one_is_refused():
    with pytest.raises(CompileError, match="below 1") as caught:
        rounded(*layer(AlphaLif(**OPTIONS, keep_slow=0.5, keep_fast=0.25, gain=0.5), 2))
    assert caught.value.rule == "quantize.gain"
