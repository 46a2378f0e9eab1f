"""Kept, lost and added spikes: what a share of equal slots hides, by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from backends.trace import Array, Events, Trace
from compile.measure.spike_match import SpikeMatch, added_up, match_spikes, total


def trace(**spikes: Array) -> Trace:
    return Trace({}, spikes, Events(1, 1))


def sparse(seed: int) -> Array:
    return (np.random.default_rng(seed).random((10, 4, 50)) < 0.01).astype(np.uint8)


def test_all_spikes_lost_is_nothing_kept():
    """At 1 % firing 99 % of the slots are equal when every spike is lost."""
    spikes = sparse(0)
    (match,) = match_spikes(trace(a=spikes), trace(a=np.zeros_like(spikes))).values()
    assert match == SpikeMatch(0, int(spikes.sum()), 0)
    assert match.f1 == 0
    assert (spikes == 0).mean() > 0.98


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_loop_over_all_slots(seed: int):
    first, second = sparse(seed) | sparse(9), sparse(seed + 100) | sparse(9)
    kept = lost = added = 0
    for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
        kept, lost, added = kept + (a and b), lost + (a and not b), added + (b and not a)
    assert match_spikes(trace(a=first), trace(a=second)) == {"a": SpikeMatch(kept, lost, added)}


def test_neurons_that_fire_several_times_a_step():
    first, second = np.array([[[3, 0, 1, 2]]], np.float32), np.array([[[1, 2, 1, 4]]], np.int32)
    assert match_spikes(trace(a=first), trace(a=second)) == {"a": SpikeMatch(kept=4, lost=2, added=4)}


def test_only_what_both_have():
    one = np.ones((1, 1, 1), np.uint8)
    assert match_spikes(trace(a=one), trace(a=one, gate=one)) == {"a": SpikeMatch(1)}


def test_sums_and_the_one_number():
    first, second = SpikeMatch(6, 2, 1), SpikeMatch(3, 1, 2)
    assert total([first, second]) == SpikeMatch(9, 3, 3)
    assert total([first, second]).f1 == 18 / 24
    assert added_up({"a": first}, {"a": second, "b": first}) == {"a": SpikeMatch(9, 3, 3), "b": first}
    assert SpikeMatch().f1 == 1
    assert first.plain() == {"kept": 6, "lost": 2, "added": 1, "f1": 0.8}
    assert first.text() == "6 of 8 spikes kept, 2 lost, 1 added (F1 0.8000)"
