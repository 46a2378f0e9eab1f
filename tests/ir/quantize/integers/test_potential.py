"""Membranes beside resets as payloads: those of the neuron's own integers, and of the floats where these are exact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, IntegerPotential, Lif, Linear
from ir.ops.float_neurons.potential import potential_of
from ir.quantize.network import quantize
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
N = 16


def both(op: Lif, moment: str, steps: int, unit: float = 1 / 16, **own: Any) -> tuple[Graph, dict[str, Any]]:
    """A neuron and its membrane, and what reads the membrane."""
    rng, b = np.random.default_rng(steps), GraphBuilder("net", steps, dtype="float64")
    x = b.add(Input(f"spike[{N}]"), name="x")
    weight = rng.integers(-20, 40, (N, N)) * (rng.random((N, N)) < 0.2) * unit
    current = b.add(Linear(), x, name="fc", params={"weight": b.param("w", weight)})
    params = {role: b.param(role, array) for role, array in own.items()}
    b.add(op, current, name="s", params=params)
    v = b.add(potential_of(op, moment), current, name="v", params=params)
    out = b.add(Linear(), v, name="out", params={"weight": b.param("o", rng.integers(-3, 4, (4, N)) / 4)})
    b.add(Lif(0.0, form="sum", threshold=2.0, comparator=">"), out, name="reader")
    inputs = {"x": (rng.random((steps or 30, 8, N)) < 0.4).astype(np.float64)}
    return b.build({"s": "s", "v": "v", "reader": "reader"}), inputs


def rounded(graph: Graph, inputs: dict[str, Any]) -> tuple[Graph, Any, Any, Any]:
    chip, report = quantize(graph, LOIHI2.arithmetic, inputs, LOIHI2.features)
    verify(chip, "quantized")
    assert isinstance(chip.nodes["v"].op, IntegerPotential)
    return chip, report, interpret(chip, {"x": inputs["x"].astype(np.int64)}), interpret(graph, inputs)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize(
    "op",
    [
        Lif(0.5, gain=2.0),
        Lif(0.5, gain=2.0, reset="subtract", comparator=">"),
        Lif(0.0, form="sum", reset="subtract", reset_at="next", comparator=">"),
        Lif(0.25, form="sum", reset_at="next", current_decay=0.5, comparator=">"),
        Lif(0.5, form="sum", reset="subtract", max_spikes=3),
    ],
)
def test_membranes_on_a_grid_are_the_floats(op: Lif, moment: str, steps: int):
    graph, inputs = both(op, moment, steps)
    chip, report, ours, floats = rounded(graph, inputs)
    neuron, membrane = report.layers[0], report.layers[1]
    assert neuron.exact
    assert (neuron.name, membrane.name) == ("s", "v")
    assert np.array_equal(ours["s"], floats["s"])
    assert floats["s"].any()
    error = np.abs(ours["v"] * report.scales["v"] - floats["v"]).max()
    assert error < report.scales["v"]
    assert not error or not membrane.exact
    assert chip.nodes["v"].op.moment == moment


def test_a_membrane_that_only_the_host_reads_is_exact():
    graph, inputs = both(Lif(0.5, gain=2.0), "after", 4)
    graph = replace(graph, nodes={name: graph.nodes[name] for name in ("x", "fc", "s", "v")}, outputs={"v": "v"})
    _, report, ours, floats = rounded(graph, inputs)
    assert report.layers[-1].exact
    assert np.array_equal(ours["v"] * report.scales["v"], floats["v"])


def test_the_membrane_is_that_of_the_neuron_s_own_integers():
    own = {"decay": np.linspace(0.05, 0.9, N), "threshold": np.linspace(0.4, 1.5, N)}
    op = Lif(0.1, form="sum", comparator=">", reset="value", reset_at="next")
    chip, _, ours, _ = rounded(*both(op, "before", 0, unit=0.0371, **own))
    v, neuron = chip.nodes["v"].op, chip.nodes["s"].op
    assert isinstance(v, IntegerPotential)
    assert v.neuron == neuron
    level = (chip.arrays(chip.nodes["s"])["vth"].astype(np.int64) << v.shift) >> v.right
    certain = np.abs(ours["v"] - level) > 1
    assert np.array_equal((ours["v"] > level)[certain], (ours["s"] > 0)[certain])
    assert certain.mean() > 0.9


def test_membranes_that_have_no_scale_are_refused_with_the_reason():
    with pytest.raises(CompileError, match="it is counted from") as caught:
        rounded(*both(Lif(0.5, v_reset=-0.5), "after", 2))
    assert caught.value.rule == "quantize.potential"
    with pytest.raises(CompileError, match="its neurons differ in their gain"):
        rounded(*both(Lif(0.5), "after", 2, gain=np.linspace(0.5, 2, N)))
