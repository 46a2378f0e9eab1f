"""The plain neuron is Lava's own LIF by a definition written anew; what it forgets leaves no trace in its steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ir.analysis.plain_neurons import forgets, plain_lif, remembers_current
from ir.graph import GraphBuilder
from ir.ops import Graded, Input, Lif, Synapse
from ir.ops.base import Op
from ir.ops.integer_neuron import IntegerLif

PLAIN = IntegerLif(1000, 333, 9, 6, 12, 24)
WITH_OPTIONS = replace(PLAIN, micro=0, theta=640)


def population(op: Op, *roles: str):
    b = GraphBuilder("one", 2)
    current = b.add(Synapse(1), b.add(Input("spike[2]"), name="x"), name="s")
    params = {role: b.param(role, np.array([3, 4])) for role in roles}
    return b.build({"y": b.add(op, current, name="y", params=params)}).nodes["y"]


def lavas_lif(op: IntegerLif, currents: np.ndarray, bias: int) -> np.ndarray:
    """lava-nc's bit-accurate LIF in Python's integers, for currents (T,)."""
    unit, half = 1 << op.decay_bits, 1 << (op.state_bits - 1)
    decay = lambda x, kept: (abs(x) * kept // unit) * (1 if x >= 0 else -1)
    u, v, spikes = 0, 0, []
    for current in currents.tolist():
        u = decay(u, unit - op.du - 1) + (current << op.shift)
        u = u - 2 * half if u > half else u + 2 * half if u <= -half else u
        v = min(max(decay(v, unit - op.dv) + u + bias, 1 - half), half - 1)
        spikes.append(int(v > op.vth << op.shift))
        v = 0 if spikes[-1] else v
    return np.array(spikes)


def test_a_plain_neuron_is_lavas_own():
    rng, drawn = np.random.default_rng(0), 0
    for du, dv, vth, shift, bias in product((-1, 1000, 4095), (0, 333, 4096), (1, 40), (0, 6), (0, -70, 500)):
        op = plain_lif(population(IntegerLif(du, dv, vth, shift, 12, 24, theta=5), "bias"))
        assert op is not None
        currents = rng.integers(-60, 90, 40)
        found = op.run((currents.reshape(-1, 1, 1),), {"bias": np.array([bias])}, 40).ravel()
        assert np.array_equal(found, lavas_lif(op, currents, bias))
        drawn += found.sum()
    assert drawn


def test_biases_and_thresholds_may_differ_and_nothing_else():
    assert plain_lif(population(PLAIN)) == PLAIN
    assert plain_lif(population(WITH_OPTIONS, "bias")) == WITH_OPTIONS
    assert plain_lif(population(PLAIN, "bias", "vth")) == PLAIN
    for role in ("du", "dv", "theta", "u0", "v0"):
        assert plain_lif(population(PLAIN, "bias", role)) is None


@pytest.mark.parametrize(
    "op",
    [
        replace(PLAIN, reset="subtract", theta=640),
        replace(PLAIN, reset="none"),
        replace(PLAIN, reset_at="next"),
        replace(PLAIN, max_spikes=3, theta=640),
        replace(PLAIN, u0=1),
        replace(PLAIN, v0=-1),
        Graded(8),
        Lif(0.5),
    ],
)
def test_other_neurons_are_not_plain(op: Op):
    assert plain_lif(population(op)) is None


@pytest.mark.parametrize("current", [1, 2, 3, 40, -7, 1000])
def test_what_is_forgotten_leaves_no_state(current: int):
    """A current that makes no spike, and then nothing: the membrane after the second step says what was left."""
    outcomes = set()
    for du, dv, shift in product((4095, 4094, 0), (0, 2048, 4032, 4033, 4095, 4096), (0, 3, 6)):
        op = IntegerLif(du, dv, 5000, shift, 12, 24)
        _, state = op.resume((np.array([current, 0]).reshape(2, 1, 1),), {}, 2, None)
        left = bool(state.v.any() or state.current.any())
        assert forgets(op, current) == (not left) or remembers_current(op)
        assert not (forgets(op, current) and left)
        outcomes.add(forgets(op, current))
    assert outcomes == {True, False}
