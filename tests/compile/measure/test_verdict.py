"""The verdict fails on one spike, one output value or one event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backends.trace import Events, Trace
from compile.measure.verdict import agreement, compare

EVENTS = Events(2, 3, {"a": 5}, {"p": 10}, {"a": 24})
SPIKES = (np.arange(24).reshape(3, 2, 4) % 3 == 0).astype(np.uint8)
TRACE = Trace({"out": SPIKES * 2}, {"a": SPIKES}, EVENTS)


def test_equal_runs_pass():
    verdict = compare("reference", TRACE, replace(TRACE, spikes={"a": SPIKES.copy()}))
    assert verdict.passed
    assert (verdict.compared, verdict.differing, verdict.first) == (48, 0, "")


def test_one_spike_fails_and_is_named():
    other = SPIKES.copy()
    other[2, 1, 3] ^= 1
    verdict = compare("reference", TRACE, replace(TRACE, spikes={"a": other}))
    assert (verdict.passed, verdict.differing, verdict.first) == (False, 1, "a (2, 1, 3)")
    assert "DIFFER" in verdict.text()


def test_outputs_shapes_and_events_count():
    assert not compare("reference", TRACE, replace(TRACE, outputs={"out": SPIKES})).passed
    assert not compare("reference", TRACE, replace(TRACE, spikes={"a": SPIKES[:2]})).passed
    assert not compare("reference", TRACE, replace(TRACE, events=replace(EVENTS, synaptic={"p": 11}))).passed


def test_agreement_is_a_share():
    other = SPIKES.copy()
    other[0, 0, :2] ^= 1
    assert agreement(TRACE, replace(TRACE, spikes={"a": other})) == {"a": 1 - 2 / 24}
