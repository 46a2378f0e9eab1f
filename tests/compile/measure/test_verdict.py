"""The verdict fails on one spike, one output value or one event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backends.trace import Events, Trace
from compile.measure.in_pieces.coverage import Coverage, LeftOut
from compile.measure.verdict import compare

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


def test_batches_add_up_and_the_first_difference_is_placed():
    same = compare("reference", TRACE, TRACE)
    other = SPIKES.copy()
    other[0, 1, 2] ^= 1
    verdict = same.joined(compare("reference", TRACE, replace(TRACE, spikes={"a": other})), 8)
    assert (verdict.compared, verdict.differing, verdict.passed) == (96, 1, False)
    assert verdict.first == "a (0, 1, 2), of the batch that begins with sample 8"
    assert same.joined(same, 8).passed


def test_payloads_count():
    ours = replace(TRACE, payloads={"v": SPIKES.astype(np.int32)})
    verdict = compare("reference", ours, replace(TRACE, payloads={"v": SPIKES.astype(np.int32) * 2}))
    assert (verdict.populations, verdict.differing) == (2, int(SPIKES.sum()))


def test_what_did_not_run_is_no_pass_and_is_kept_over_batches():
    whole = compare("reference", TRACE, TRACE)
    pieces = Coverage(1, 2, 30, 40, (LeftOut("b", 6, 10),))
    part = replace(whole, coverage=pieces)
    assert [each.mark for each in (whole, part, replace(part, differing=1))] == ["PASS", "PASS IN PART", "FAIL"]
    assert part.text() == f"{whole.text()}; {pieces.text()}"
    assert whole.joined(part, 2).coverage == part.joined(whole, 2).coverage == pieces
    other = replace(part, coverage=replace(pieces, left_out=(LeftOut("c", 1, 1),)))
    joined = part.joined(other, 2).coverage
    assert joined is not None
    assert [each.name for each in joined.left_out] == ["b", "c"]
