"""Three neurons on two cores, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ir.mapping.timing.links import Links
from ir.mapping.timing.step_time import barrier_time, readings, step_time
from ir.mapping.timing.work import StepWork
from ir.profile import Mesh, Profile, Quantity

ENDS = np.zeros((1, 2), np.int64)
NS = {"neuron_update": 10.0, "spike": 5.0, "axon_out": 2.0, "axon_in": 7.0, "synaptic_event": 3.0, "link": 1.0}


def work(link: float = 0.0, **events: list[int]) -> StepWork:
    """Two cores, two neurons and one."""
    given = {"neuron_update": [2, 1], "spike": [0, 0], "axon_out": [0, 0], "axon_in": [0, 0], "synaptic_event": [0, 0]}
    return StepWork(
        **{name: np.array(counts) for name, counts in (given | events).items()},
        links=Links(ENDS, ENDS, np.array([link])),
    )


def timed(barrier: float = 4.0, ends: Any = None, **events: Any) -> tuple[float, int, str]:
    step = step_time(work(**events), NS, barrier, ends)
    return step.ns, step.core, step.waits_for


def test_neurons_are_updated_where_nothing_happens():
    assert timed() == (24, 0, "neurons")


def test_of_the_halves_of_all_cores_the_longest_counts_and_nothing_is_added_up():
    events = {"spike": [1, 1], "axon_out": [1, 2], "axon_in": [1, 1], "synaptic_event": [2, 6]}
    # core 0 sends for 2 x 10 + 5 + 2 = 27 and takes in for 7 + 6 = 13, core 1 sends for 10 + 5 + 4 = 19 and takes in for 7 + 18 = 25
    assert timed(**events) == (31, 0, "neurons")
    assert timed(**events | {"synaptic_event": [2, 7]}) == (32, 1, "synapses")
    assert timed(**events | {"axon_in": [1, 4], "synaptic_event": [2, 1]}) == (35, 1, "messages")
    assert timed(**events | {"axon_out": [12, 0]}) == (53, 0, "neurons")
    assert timed(**events | {"axon_out": [13, 0]}) == (55, 0, "messages")


def test_halves_that_wait_end_later():
    ends = np.array([[20.0, 10.0], [0.0, 50.0]])
    # core 1 takes in for 2 x 7 + 3 x 3 of its 50, or for 7 + 9 x 3
    assert timed(ends=ends, axon_in=[0, 2], synaptic_event=[0, 3]) == (54, 1, "queues")
    assert timed(ends=ends, axon_in=[0, 1], synaptic_event=[0, 9]) == (54, 1, "synapses")
    assert timed(ends=ends, link=51.0) == (55, 1, "links")


def test_links_and_the_barrier():
    assert timed(link=19.0) == (24, 0, "neurons")
    assert timed(link=21.0) == (25, 0, "links")
    assert timed(barrier=21.0) == (41, 0, "barrier")


@pytest.mark.parametrize(("places", "expected"), [([[0, 0, 0]], 100), ([[0, 0, 0], [0, 1, 1]], 100)])
def test_cores_of_one_router_meet_soonest(places: list[list[int]], expected: float):
    assert barrier_time(np.array(places), Mesh(8, 4, 2, 2), BARRIER) == expected


BARRIER = {"barrier_one": 100.0, "barrier_all": 700.0}


def test_the_barrier_takes_as_many_levels_as_a_tree_of_the_routers():
    mesh = Mesh(8, 4, 2, 2)  # 4 x 2 routers
    routers = [[0, x, y] for y in (0, 2) for x in (0, 2, 4, 6)]
    found = [barrier_time(np.array(routers[:count]), mesh, BARRIER) for count in (2, 4, 8)]
    assert found == [300, 500, 700]
    assert barrier_time(np.array([*routers[:2], [1, 0, 0]]), mesh, BARRIER) == 300
    assert barrier_time(np.array(routers[:1]), Mesh(), BARRIER) == 700


def test_numbers_without_a_range_are_their_own_and_what_is_not_stated_takes_nothing():
    def quantity(value: int, **bounds: Fraction) -> Quantity:
        return Quantity(Fraction(value), "ns", "somebody", "estimated", **bounds)

    timing: Mapping[str, Quantity] = {"spike": quantity(4, low=Fraction(1)), "link": quantity(2, high=Fraction(9))}
    value, low, high = readings(Profile("p", "p", "p", {"timing": timing}))
    assert [each["spike"] for each in (value, low, high)] == [4, 1, 4]
    assert [each["link"] for each in (value, low, high)] == [2, 2, 9]
    assert value["neuron_update"] == 0
