"""The fast integer neuron against its definition in whole numbers, where the proof of its range is tightest."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from backends.lava.core.plain_lif import PlainLif
from ir.graph import GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif

STEPS, SIZE = 12, 40
HALF = 1 << 23
REACHES = (1, 3, 700, 10_921, 65_535, 65_536, 131_071, 131_072, 400_000)
"""Largest current; 65,536 of them, times 64, are half of the state's range."""


def by_definition(currents, bias, du, dv, vth):
    """Spikes of u <- wrap(trunc(kept u) + 64 I), v <- clip(trunc(kept v) + u + bias), in Python's integers, neuron by neuron."""
    toward_zero = lambda number: number // 4096 if number >= 0 else -(-number // 4096)
    spikes = np.zeros(currents.shape, int)
    for k in range(currents.shape[1]):
        u = v = 0
        for t, current in enumerate(currents[:, k].tolist()):
            u = toward_zero(u * (4095 - du)) + 64 * current
            u = u - 2 * HALF if u > HALF else u + 2 * HALF if u <= -HALF else u
            v = min(max(toward_zero(v * (4096 - dv)) + u + bias, 1 - HALF), HALF - 1)
            spikes[t, k] = v > vth * 64
            v = 0 if spikes[t, k] else v
    return spikes


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("window", [0, 2, STEPS])
def test_spikes_equal_the_definition(reach, window):
    rng, fired = np.random.default_rng(reach + window), 0
    for dv, du, bias in product((0, 1, 333, 2048, 2049, 4095, 4096), (4095, 2000), (0, -70, 5000)):
        largest = min(max(1, reach // 2 * 3 // (1 + (du != 4095))), 131_071)
        vth = int(rng.integers(1, largest + 1))
        b = GraphBuilder("one", 0)
        weight = b.param("w", np.ones((1, 1), np.int8))
        current = b.add(Linear(), b.add(Input("spike[1]"), name="x"), name="l", params={"weight": weight})
        graph = b.build({"y": b.add(IntegerLif(du, dv, vth, 6, 12, 24), current, name="y")})
        own = {"bias": np.full(1, bias)} | ({"vth": np.full(1, vth - 1)} if vth % 2 else {})
        neuron = PlainLif(graph.nodes["y"].op, own, reach, window)
        drawn = rng.integers(-reach, reach + 1, (window or STEPS, SIZE))
        drawn[:, :4] = np.array([reach, -reach, reach, -reach]) * [1, 1, 1, -1]
        drawn[::2, 2:4] *= -1
        neuron.reset()
        found = [neuron.step(row[None, None].astype(np.float64))[0, 0] for row in drawn]
        wanted = by_definition(drawn, bias, du, dv, vth - vth % 2)
        assert np.array_equal(found, wanted), (dv, du, bias, vth)
        fired += wanted.sum()
    assert fired
