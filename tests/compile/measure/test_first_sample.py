"""The first of several samples, neuron by neuron."""

from __future__ import annotations

import numpy as np
import pytest

from backends.trace import Events, Trace
from compile.measure import first_sample as module
from compile.measure.first_sample import first_sample


def trace(**spikes: np.ndarray) -> Trace:
    return Trace({}, spikes, Events(2, 3))


def test_populations_that_both_probed_are_flat():
    ours, theirs = (np.random.default_rng(seed).integers(0, 2, (3, 2, 4, 5)).astype(np.uint8) for seed in (0, 1))
    found = first_sample(trace(a=ours, gate=ours), trace(a=theirs, b=theirs), ("a", "b"), {})
    assert found.compiled.keys() == found.floats.keys() == {"a"}
    np.testing.assert_array_equal(found.compiled["a"], ours[:, 0].reshape(3, 20))
    np.testing.assert_array_equal(found.floats["a"], theirs[:, 0].reshape(3, 20))


def test_large_populations_are_left_out(monkeypatch: pytest.MonkeyPatch):
    spikes = np.ones((3, 2, 4), np.uint8)
    monkeypatch.setattr(module, "MOST", 11)
    assert not first_sample(trace(a=spikes), trace(a=spikes), ("a",), {}).compiled
